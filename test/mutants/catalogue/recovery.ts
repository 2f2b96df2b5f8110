import type { Mutant } from "../mutant.ts";

const conformance = "test/conformance/log-store.test.ts";
const lmdb = "test/unit/log/lmdb-store.test.ts";
const lostLock = "test/durability/lost-lock.test.ts";
const flushes = "test/durability/no-ack-before-flush.test.ts";

/** What the store writes, what it calls durable, and what it finds again. */
export const recoveryMutants: readonly Mutant[] = [
  {
    name: "pipelined-commit-resolves-at-once",
    says: "A pipelined commit is durable when the next has flushed (src/log/record-store.ts): a power cut takes the newest acknowledged write.",
    file: "src/log/record-store.ts",
    find: "    this.#settle();\n    return this.#wait();",
    replace: `    this.#settle();
    this.#wait().catch(() => {});
    return Promise.resolve();`,
    killer: { file: flushes },
  },
  {
    name: "idle-commit-resolves-without-flush",
    says: "An idle pipelined store flushes before it answers (src/log/record-store.ts): a power cut takes the newest acknowledged write.",
    file: "src/log/record-store.ts",
    find: `      this.#flush(this.#env);
    } catch (error) {`,
    replace: `      this.#flushes += 1;
    } catch (error) {`,
    killer: { file: flushes },
  },
  {
    name: "opened-without-making-durable",
    says: "What a store found is durable before it says so: what a killed process wrote is vouched for, and a power cut takes it.",
    file: "src/log/lmdb-env.ts",
    find: `    this.write([...metas, { key: storedEpochKey, value: epoch }]);
    this.#epoch = epoch;`,
    replace: "    void [metas, epoch];",
    hunt: { seeds: 0 },
    killer: { file: flushes },
  },
  {
    name: "lmdb-written-by-an-older-owner",
    says: "A commit looks at the epoch (src/log/lmdb-env.ts): where the lock of a directory is lost, two processes acknowledge into one log.",
    file: "src/log/lmdb-env.ts",
    find: "      this.#assertClaimed();\n",
    replace: "",
    hunt: { seeds: 0 },
    killer: { file: lostLock, name: "lmdb" },
  },
  {
    name: "store-goes-on-after-a-failure",
    says: "After a failed flush nothing is tried again: later commits succeed over pages that never reached the disk, and acknowledged writes are gone.",
    file: "src/log/record-store.ts",
    find: "    this.#failure = failure;\n",
    replace: "",
    killer: { file: "test/durability/failing-disk.test.ts" },
  },
  {
    name: "lmdb-flushes-nothing",
    says: "A strict commit is flushed (src/log/lmdb-env.ts; NATS): a power cut takes acknowledged writes.",
    file: "src/log/lmdb-env.ts",
    find: 'noSync: options.durability === "none",',
    replace: "noSync: true,",
    hunt: { seeds: 0 },
    killer: { file: flushes },
  },
  {
    name: "lmdb-meta-page-not-flushed",
    says: "A strict commit flushes its meta page too (src/log/lmdb-env.ts): a power cut takes the newest acknowledged write.",
    file: "src/log/lmdb-env.ts",
    find: 'noMetaSync: options.durability === "pipelined",',
    replace: "noMetaSync: true,",
    hunt: { seeds: 0 },
    killer: { file: flushes },
  },
  {
    name: "lost-file-taken-for-new",
    says: "A store that lost its file is damaged, not new (WARaft): a replica forgets its votes and writes, and votes again.",
    file: "src/log/lmdb-directory.ts",
    find: "  if (existsSync(join(dir, lockFile))) {",
    replace: "  if (existsSync(join(dir, makingDir, lockFile, lockFile))) {",
    hunt: { seeds: 0 },
    killer: { file: lmdb, name: "data file is gone" },
  },
  {
    name: "store-keeps-a-cut-suffix",
    says: "A block replaces everything from its first entry on (src/log/group-index.ts): after a crash entries that were cut are back, and acknowledged writes are overwritten.",
    file: "src/log/group-index.ts",
    find: "    this.#lastIndex = first + count - 1;",
    replace: "    this.#lastIndex = Math.max(this.#lastIndex, first + count - 1);",
    killer: { file: conformance },
  },
  {
    name: "damaged-directory-believed",
    says: "What a record's directory says of a block is what it said when the log was opened (src/log/read-blocks.ts): a bit that rots in a block's time gives this replica another state than the others.",
    file: "src/log/read-blocks.ts",
    find: "if (headers.length === blocks && check === row.check) return headers;",
    replace: "if (headers.length > 0) return headers;",
    hunt: { seeds: 0 },
    killer: { file: "test/unit/log/memory-store.test.ts", name: "damage to any bit" },
  },
  {
    name: "vote-forgotten-at-recovery",
    says: "A replica finds its vote again (thesis figure 3.1): after a restart it votes twice in one term, and two leaders have it.",
    file: "src/shard/groups.ts",
    find: "vote: ballot.vote === undefined ? nobody : nodes.keyOf(ballot.vote),",
    replace: "vote: nobody,",
    killer: { file: "test/defects/integration-restart.test.ts", name: "WARaft: term and vote" },
  },
  {
    name: "recovery-ignores-born",
    says: "A group that was removed and created again starts empty (src/log/log-state.ts): after a restart it has its predecessor's entries, or its shard does not open.",
    file: "src/log/log-state.ts",
    find: "if (state === undefined || sequence < state.meta.born) continue;",
    replace: "if (state === undefined) continue;",
    killer: { file: conformance },
  },
  {
    name: "recreated-in-one-commit-keeps-its-log",
    says: "Within a batch removals come first (src/log/log-store.ts): a group removed and created in one round has its predecessor's entries after a restart.",
    file: "src/log/log-state.ts",
    find: `      const known = created.get(group) ?? (gone.has(group) ? undefined : this.#groups.get(group));`,
    replace: "      const known = created.get(group) ?? this.#groups.get(group);",
    killer: { file: conformance },
  },
  {
    name: "removed-in-its-first-round-comes-back",
    says: "A replica created and removed in one round stays removed (src/shard/shard.ts): after a restart a member is back that its group does not have.",
    file: "src/shard/shard.ts",
    find: "    descriptors.delete(remove);\n",
    replace: "",
    killer: { file: "test/inline/hostile-peer.test.ts", name: "created and removed in one round" },
  },
  {
    name: "record-checksum-skipped",
    says: "A checksum mismatch is never read as data: a flipped bit in a term, a vote or a length goes unnoticed, and replicas differ.",
    file: "src/log/record.ts",
    find: "  if (checksum !== computed) {\n    throw corruptRecord(sequence, `has checksum",
    replace: "  if (checksum < 0) {\n    throw corruptRecord(sequence, `has checksum",
    killer: { file: "test/unit/log/record.test.ts" },
  },
  {
    name: "descriptor-checksum-skipped",
    says: "Unreadable metadata is never trusted: a flipped bit makes a replica another incarnation, or a stopped one run.",
    file: "src/log/meta-entry.ts",
    find: "  if (checksum !== computed) {",
    replace: "  if (checksum < 0) {",
    killer: { file: "test/unit/log/meta-entry.test.ts" },
  },
  {
    name: "block-checksum-skipped-at-read",
    says: "Bytes that are read back are checked again: what rotted since the start is applied and sent on, and replicas differ.",
    file: "src/log/read-blocks.ts",
    find: "if (bytes.length !== bytesLength || computed !== checksum) {",
    replace: "if (bytes.length !== bytesLength) {",
    killer: { file: "test/conformance/log-store.test.ts" },
  },
  {
    name: "disabled-replica-comes-back-running",
    says: "What disabled a replica is kept on disk: after a restart one whose log cannot be trusted votes and acknowledges again.",
    file: "src/shard/groups.ts",
    find: "  storeDescriptor(context, replica, { done: ignore, failed: ignore });\n",
    replace: "",
    killer: {
      file: "test/inline/hostile-peer.test.ts",
      name: "contradicts a committed one",
    },
  },
  {
    name: "restart-counts-entries-not-handed-over",
    says: "A group that is stopped and started has what its store has (src/shard/groups.ts): its log has a hole, and the replica cannot lead or apply.",
    file: "src/shard/groups.ts",
    find: "      lastIndex: log.handed,",
    replace: "      lastIndex: log.lastIndex,",
    killer: { file: "test/inline/durability.test.ts", name: "stops and starts in one breath" },
  },
  {
    name: "block-applied-twice",
    says: "An entry is applied once (thesis 3.2): the last commands of a block take effect twice, on each replica as its slices fall.",
    file: "src/shard/apply.ts",
    find: "      raft.applied(lastIndexOf(block));",
    replace: "      raft.applied(block.first);",
    killer: { file: "test/inline/calls.test.ts" },
    quick: true,
  },
  {
    name: "slice-skips-what-it-left",
    says: "Every committed entry is applied (thesis 3.2): a replica with a long log to replay leaves out all but the first slice, and differs from the others.",
    file: "src/shard/apply.ts",
    find: "    this.runReads(replica, machine);\n    if (raft",
    replace: `    raft.applied(Math.min(raft.state.log.committed, raft.state.log.stable));
    this.runReads(replica, machine);
    if (raft`,
    killer: { file: "test/inline/random-faults.test.ts" },
  },
];
