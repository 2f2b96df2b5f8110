import type { Mutant } from "../mutant.ts";

const lmdbThread = "test/unit/log/threaded-lmdb-env.test.ts";
const order = "test/inline/durability.test.ts";
const predecessors = "test/defects/raft-predecessors.test.ts";

/** Persist, then speak. */
export const durabilityMutants: readonly Mutant[] = [
  {
    name: "promises-leave-at-once",
    says: "What promises durability waits for the disk (NATS): a power cut takes acknowledged writes.",
    file: "src/shard/shard.ts",
    find: "    this.route(replica, ready.messages);",
    replace: "    this.route(replica, [...ready.messages, ...ready.durableMessages]);",
    killer: { file: order },
  },
  {
    name: "commit-durable-when-handed-over",
    says: "A commit is durable when the store says so: a power cut takes writes that two pipelined disks had acknowledged.",
    file: "src/shard/shard.ts",
    find: `    this.lastCommit = this.context.environment.store.commit(batch).then(
      () => {
        this.commitsInFlight -= 1;
        this.diskWatch.progressed();
        this.finish(work);
      },`,
    replace: `    const written = this.context.environment.store.commit(batch);
    this.finish(work);
    this.lastCommit = written.then(
      () => {
        this.commitsInFlight -= 1;
        if (this.roundWaits) this.context.schedule();
        this.roundWaits = false;
      },`,
    killer: { file: order },
  },
  {
    name: "promise-overtakes-commits-before-it",
    says: "What brings nothing to write waits for the commits before it: a repeated append is acknowledged while its entries are on their way, and a power cut takes them.",
    file: "src/shard/shard.ts",
    find: `    if (this.commitsInFlight === 0) this.finish(work);
    else this.lastCommit = this.lastCommit.then(() => this.finish(work));`,
    replace: "    this.finish(work);",
    killer: { file: order, name: "with two commits in flight" },
  },
  {
    name: "ready-shares-its-list",
    says: "A Ready's promises rest on that Ready alone: acknowledgements of later entries leave with an earlier commit, and a power cut takes them.",
    file: "src/raft/raft.ts",
    find: "  if (durableMessages.length === 0) return none;",
    replace: "  if (durableMessages.length === 0) return durableMessages;",
    killer: { file: "test/unit/raft/raft.test.ts" },
  },
  {
    name: "append-acknowledged-at-once",
    says: "An acknowledgement waits for the disk (thesis 3.8; NATS): a power cut takes acknowledged writes.",
    file: "src/raft/replication.ts",
    find: '  durableMessages.push({ kind: "appendResponse",',
    replace: '  state.messages.push({ kind: "appendResponse",',
    killer: { file: order },
    quick: true,
  },
  {
    name: "leader-counts-its-memory",
    says: "The leader counts what its disk holds: a follower applies a write that is on one disk only, and after a power cut its state differs from the others'.",
    file: "src/raft/raft.ts",
    find: "    log.append(newBlock({ first, term: state.term, kind, count, timeMs, checksum, bytes }));",
    replace: `    log.append(newBlock({ first, term: state.term, kind, count, timeMs, checksum, bytes }));
    state.progress.get(state.self)?.maybeUpdate(log.lastIndex);`,
    killer: { file: "test/property/raft-group.test.ts" },
  },
  {
    name: "applied-before-own-disk-has-it",
    says: "A replica applies what its own disk holds (src/raft/log/raft-log.ts): a local read shows a write, and after a power cut of that node it does not.",
    file: "src/raft/log/raft-log.ts",
    find: "    return this.applied < Math.min(this.committed, this.stable);",
    replace: "    return this.applied < this.committed;",
    also: [
      {
        file: "src/raft/log/raft-log.ts",
        find: "    const limit = Math.min(this.committed, this.stable);",
        replace: "    const limit = this.committed;",
      },
    ],
    killer: { file: "test/paper/replication.test.ts", name: "10.2.1" },
  },
  {
    name: "newest-mark-counts-with-any-commit",
    says: "A durable commit says nothing of the one after it (src/log/log-store.ts, two in flight): the leader counts entries that are on their way, and a power cut takes acknowledged writes.",
    file: "src/shard/shard.ts",
    find: "    replica.raft.persisted(mark);",
    replace: `    const { handed, lastTerm } = log;
    replica.raft.persisted({ lastIndex: handed, lastTerm, term: mark.term });`,
    killer: { file: order },
  },
  {
    name: "stable-ignores-a-newer-cut",
    says: "A write that a conflict has replaced makes nothing durable (RaftLog.stableTo): with three leaders in a row a replica counts an entry that its disk is about to lose.",
    file: "src/raft/log/raft-log.ts",
    find: "    if (term < this.cutTerm) return;\n",
    replace: "",
    killer: { file: "test/unit/raft/raft.test.ts" },
  },
  {
    name: "stable-ignores-the-term",
    says: "A write makes durable the entry that was written (RaftLog.stableTo): a replica counts another leader's entry at the same index, which its disk has not got.",
    file: "src/raft/log/raft-log.ts",
    find: "if (lastIndex > this.stable && this.termAt(lastIndex) === lastTerm) this.stable = lastIndex;",
    replace: "if (lastIndex > this.stable && lastIndex <= this.lastIndex) this.stable = lastIndex;",
    killer: { file: "test/property/raft-group.test.ts" },
  },
  {
    name: "vote-not-persisted",
    says: "A vote is on disk before it is given (thesis 3.8; WARaft): after a crash a replica votes again in the same term, and two leaders have one term.",
    file: "src/shard/shard.ts",
    find: "ballot: ballot && { term: ballot.term, vote: idOrNobody(this.context, ballot.vote) },",
    replace: "ballot: ballot && { term: ballot.term, vote: undefined },",
    killer: { file: "test/defects/integration-restart.test.ts", name: "WARaft: term and vote" },
    quick: true,
  },
  {
    name: "vote-in-a-known-term-not-persisted",
    says: "Term and vote are stored on each change (WARaft): a vote given in a term that was known already is forgotten in a crash, and given again.",
    file: "src/raft/raft.ts",
    find: "if (term === state.handedTerm && vote === state.handedVote) return undefined;",
    replace: "if (term === state.handedTerm) return undefined;",
    killer: { file: "test/datadriven/raft.test.ts" },
  },
  {
    name: "term-without-a-vote-not-persisted",
    says: "Term and vote are stored on each change (WARaft): a follower forgets in a crash the term whose entries it has stored, and its shard does not open any more.",
    file: "src/raft/raft.ts",
    find: "if (term === state.handedTerm && vote === state.handedVote) return undefined;",
    replace: "if (vote === state.handedVote) return undefined;",
    killer: { file: "test/datadriven/raft.test.ts" },
  },
  {
    name: "votes-asked-before-the-ballot",
    says: "Term and own vote are durable before votes are asked for (zraft_lib): after a crash a candidate campaigns in the same term again, and is elected by answers to the first time.",
    file: "src/raft/election.ts",
    find: `    state.durableMessages.push({
      kind: "voteRequest",`,
    replace: `    state.messages.push({
      kind: "voteRequest",`,
    killer: { file: predecessors, name: "votes requested before term" },
  },
  {
    name: "vote-given-before-it-is-durable",
    says: "A vote is on disk before it is given (thesis 3.8): after a power cut a replica votes again in the same term, and two leaders have one term.",
    file: "src/raft/election.ts",
    find: `  state.durableMessages.push({
    kind: "voteResponse",`,
    replace: `  state.messages.push({
    kind: "voteResponse",`,
    killer: { file: order, name: "neither a vote nor the question" },
  },
  {
    name: "failed-commit-taken-for-durable",
    says: "After a failed write or flush a store is dead: writes are acknowledged that no disk will ever hold.",
    file: "src/shard/shard.ts",
    find: "        void this.end(asStoreError(error));",
    replace: `        this.commitsInFlight -= 1;
        this.finish(work);`,
    killer: { file: order, name: "a follower whose store fails" },
  },
  {
    name: "heartbeats-while-the-disk-stalls",
    says: "A leader whose disk stalls falls silent (etcd #13527, #15247): it keeps its group, and every write to it hangs while two other nodes could serve.",
    file: "src/shard/shard.ts",
    find: `    if (this.commitsInFlight >= store.commitsInFlightMax) {
      this.roundWaits = true;`,
    replace: `    if (this.commitsInFlight >= store.commitsInFlightMax) {
      this.tick();
      for (const replica of context.dirty) {
        this.route(replica, replica.raft.state.messages.splice(0));
      }
      context.outboxes.flush();
      this.roundWaits = true;`,
    also: [
      {
        file: "src/shard/shard.ts",
        find: "    if (this.commitsInFlight === 0 || !this.diskWatch.tick(ticks)) return;",
        replace: "    if (this.commitsInFlight >= 0 || !this.diskWatch.tick(ticks)) return;",
      },
    ],
    killer: { file: order },
  },
  {
    name: "a-hung-disk-keeps-its-groups",
    says: "A store with a thread of its own leaves the loop running while its disk hangs: without the watch over it (src/shard/disk-watch.ts) the shard leads on, parked groups included, and every write to them hangs.",
    file: "src/shard/shard.ts",
    find: "    if (this.commitsInFlight === 0 || !this.diskWatch.tick(ticks)) return;",
    replace: "    if (this.commitsInFlight >= 0 || !this.diskWatch.tick(ticks)) return;",
    hunt: { seeds: 0 },
    killer: { file: order, name: "gives up its groups" },
  },
  {
    name: "signs-of-life-past-a-hung-disk",
    says: "Signs of life, heartbeats and campaigns end while the disk makes no progress: others rest on a shard that cannot serve, or are disturbed by it.",
    file: "src/shard/shard.ts",
    find: "      if (!this.diskWatch.isStalled) context.ticks.tick();",
    replace: "      context.ticks.tick();",
    hunt: { seeds: 0 },
    killer: { file: order, name: "gives up its groups" },
  },
  {
    name: "thread-write-durable-when-posted",
    says: "A write on the log's thread has ended when the thread says so: a power cut takes acknowledged writes.",
    file: "src/log/file-thread.ts",
    find: '    await this.#calls.call({ kind: "write", fd, bytes: shared, at });',
    replace: '    void this.#calls.call({ kind: "write", fd, bytes: shared, at });',
    hunt: { seeds: 0 },
    killer: { file: "test/unit/log/file-thread.test.ts" },
  },
  {
    name: "lmdb-thread-commit-durable-when-posted",
    says: "A commit on LMDB's thread is durable when the thread says so: a power cut takes acknowledged writes.",
    file: "src/log/threaded-lmdb-env.ts",
    find: "    await this.#onThread(thread.write(",
    replace: "    void this.#onThread(thread.write(",
    hunt: { seeds: 0 },
    killer: { file: lmdbThread, name: "has ended when the thread says so" },
  },
  {
    name: "lmdb-thread-goes-on-after-a-failure",
    says: "Behind a commit that failed on LMDB's thread none succeeds: its flush would not write what the failed one left.",
    file: "src/log/lmdb-thread.ts",
    find: "      this.#failure = asError(error);\n      throw this.#failure;",
    replace: "      throw asError(error);",
    hunt: { seeds: 0 },
    killer: { file: lmdbThread, name: "none succeeds" },
  },
  {
    name: "lmdb-thread-takes-any-claim",
    says: "LMDB's thread writes under the claim of its shard: two processes would acknowledge into one log.",
    file: "src/log/lmdb-thread.ts",
    find: "    this.#env.adopt(epoch);\n",
    replace: "    void epoch;\n",
    hunt: { seeds: 0 },
    killer: { file: lmdbThread, name: "under the shard's claim" },
  },
  {
    name: "stalled-disk-still-trusted",
    says: "Once a disk has stalled, a shard on LMDB no longer waits for it: status, local reads and refusals hang with the disk again and again.",
    file: "src/log/own-commits.ts",
    find: "    if (ms < this.#stallMs) return;",
    replace: "    if (ms < this.#stallMs * 1_000_000) return;",
    hunt: { seeds: 0 },
    killer: { file: "test/unit/log/own-commits.test.ts" },
  },
  {
    name: "log-takes-the-whole-pool",
    says: "Logs leave a thread of libuv's pool to the embedder: with a hung disk its own files, names and keys hang too.",
    file: "src/engine/pool-share.ts",
    find: "Math.max(0, poolThreads - 1 - threadsTaken)",
    replace: "Math.max(jobsPerShard * shards, poolThreads - threadsTaken)",
    hunt: { seeds: 0 },
    killer: { file: "test/unit/engine/pool-share.test.ts" },
  },
  {
    name: "answers-wait-for-a-hung-disk",
    says: "What needs no disk is answered while a round waits for one: status, local reads and refusals hang with the disk.",
    file: "src/shard/shard.ts",
    find: `local reads, refusals, what is durable already.
      this.answer();
`,
    replace: "local reads, refusals, what is durable already.\n",
    hunt: { seeds: 0 },
    killer: { file: order, name: "what needs no disk" },
  },
  {
    name: "group-created-before-it-is-durable",
    says: "A member says that it has a group when its disk does (src/shard/joining.ts): a power cut right after the creation leaves a group without a majority, for ever.",
    file: "src/shard/joining.ts",
    find: "  storeDescriptor(context, replica, settle);\n  return replica;",
    replace: `  storeDescriptor(context, replica, { ...settle, done: ignore });
  settle.done();
  return replica;`,
    killer: { file: order, name: "a group whose creation is not durable" },
  },
  {
    name: "started-before-it-is-durable",
    says: "A replica that is started again takes part when the disk has all that was handed over before (src/shard/groups.ts): it answers its leader in a term that a power cut takes away.",
    file: "src/shard/groups.ts",
    find: "    const replica = addReplica(context, handedOver(stopped));",
    replace: "    const replica = early;",
    also: [
      {
        file: "src/shard/groups.ts",
        find: "  stopped.starting = descriptor;\n",
        replace: `  stopped.starting = descriptor;
  const early = addReplica(context, handedOver(stopped));
`,
      },
    ],
    killer: { file: order, name: "started again while its disk stalls" },
  },
  {
    name: "stop-does-not-end-a-start",
    says: "A stop ends a start that is not durable yet (src/shard/groups.ts): the replica runs though its operator has stopped it, and after a restart it does not.",
    file: "src/shard/groups.ts",
    find: "  replica.starting = undefined;\n  storeDescriptor",
    replace: "  storeDescriptor",
    killer: { file: order, name: "of starts and stops in one breath" },
  },
];
