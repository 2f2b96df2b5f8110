import type { Mutant } from "../mutant.ts";

const paper = "test/paper/replication.test.ts";
const predecessors = "test/defects/raft-predecessors.test.ts";

/** Entries on their way to the followers, and what counts as committed. */
export const replicationMutants: readonly Mutant[] = [
  {
    name: "older-term-committed-by-counting",
    says: "Only entries of the leader's own term are committed by counting (thesis figure 3.7; ex_raft): an acknowledged write is overwritten by a later leader.",
    file: "src/raft/replication.ts",
    find: "if (index <= log.committed || log.termAt(index) !== state.term) return false;",
    replace: "if (index <= log.committed) return false;",
    killer: { file: predecessors, name: "older term committed by counting" },
  },
  {
    name: "unverified-tail-acknowledged",
    says: "Only the verified prefix is acknowledged (toniq raft): a leader counts entries that are another's, and acknowledged writes are gone.",
    file: "src/raft/replication.ts",
    find: "    index: last,\n    rejected: false,",
    replace: "    index: log.lastIndex,\n    rejected: false,",
    killer: { file: predecessors, name: "unverified tail" },
  },
  {
    name: "unverified-tail-committed",
    says: "A follower commits no further than what the message verified (thesis 3.5): it applies entries of a dead leader, and its state differs from the others'.",
    file: "src/raft/replication.ts",
    find: "const commit = Math.min(request.commit, last);",
    replace: "const commit = Math.min(request.commit, log.lastIndex);",
    killer: { file: paper, name: "unverified tail" },
  },
  {
    name: "heartbeat-commit-not-clamped",
    says: "A heartbeat commits no further than the follower is known to match (thesis 3.5): it applies entries of a dead leader, and its state differs from the others'.",
    file: "src/raft/heartbeat.ts",
    find: "commit: Math.min(state.log.committed, progress.match),",
    replace: "commit: state.log.committed,",
    killer: { file: "test/property/raft-group.test.ts" },
    quick: true,
  },
  {
    name: "commit-notice-not-clamped",
    says: "A commit notice goes no further than the follower is known to match (thesis 3.5): it applies entries of a dead leader, and its state differs from the others'.",
    file: "src/raft/replication.ts",
    find: "const commit = Math.min(state.log.committed, progress.match);",
    replace: "const commit = state.log.committed;",
    killer: { file: "test/property/raft-group.test.ts" },
  },
  {
    name: "previous-entry-compared-by-index",
    says: "A follower takes entries only after one of the same index and term (thesis 3.5, log matching): its log keeps another leader's entries, and states differ.",
    file: "src/raft/replication.ts",
    find: "if (log.termAt(request.prevIndex) !== request.prevTerm) {",
    replace: "if (request.prevIndex > log.lastIndex) {",
    killer: { file: "test/property/raft-group.test.ts" },
  },
  {
    name: "conflicting-entries-kept",
    says: "A conflicting entry goes, with all after it (thesis 3.5): a follower acknowledges entries that it has not got, and states differ.",
    file: "src/raft/replication.ts",
    find: `  if (from <= log.lastIndex && log.termAt(from) === block.term) {
    from = Math.min(log.terms.runEnd(from, log.lastIndex) + 1, end);`,
    replace: `  if (from <= log.lastIndex) {
    from = Math.min(log.lastIndex + 1, end);`,
    killer: { file: paper },
  },
  {
    name: "repeated-append-cuts-the-log",
    says: "A message that comes late shortens no log (thesis 3.5): a follower loses what it has acknowledged, and with one more crash an acknowledged write is gone.",
    file: "src/raft/replication.ts",
    find: "  if (from <= log.lastIndex && log.termAt(from) === block.term) {",
    replace: "  if (from <= log.committed && log.termAt(from) === block.term) {",
    killer: { file: paper, name: "neither shortens the log" },
  },
  {
    name: "committed-entry-overwritten",
    says: "A conflict at or below the commit index disables the replica: what clients have seen applied is silently replaced.",
    file: "src/raft/replication.ts",
    find: `      throw new RaftError(
        "ERR_GROUP_DISABLED",
        \`Entry \${from} of term \${block.term} from the leader contradicts the committed entry of term \${log.termAt(from)}\`,
        { details: { reason: "an entry that was committed here differs from the leader's" } },
      );`,
    replace: "      log.committed = from - 1;",
    // A leader without a fault never sends such an entry.
    hunt: { seeds: 0 },
    killer: { file: "test/inline/hostile-peer.test.ts", name: "contradicts a committed one" },
  },
  {
    name: "match-kept-over-terms",
    says: "A leader knows nothing of its followers' logs from an earlier term (thesis figure 3.1): it counts entries that were cut since, and acknowledged writes are gone.",
    file: "src/raft/roles.ts",
    find: "    state.progress.set(peer, newProgress(state, log.lastIndex + 1, 0));",
    replace: `    if (!state.progress.has(peer)) {
      state.progress.set(peer, newProgress(state, log.lastIndex + 1, 0));
    }`,
    also: [{ file: "src/raft/roles.ts", find: "  state.progress.clear();\n", replace: "" }],
    killer: { file: "test/unit/raft/roles.test.ts", name: "forgets votes" },
  },
  {
    name: "followers-start-as-matched",
    says: "A new leader takes its followers for empty until they say otherwise (thesis 3.5): one that lacks entries is told that they are committed, and never gets them.",
    file: "src/raft/roles.ts",
    find: "newProgress(state, log.lastIndex + 1, 0)",
    replace: "newProgress(state, log.lastIndex + 1, log.committed)",
    killer: { file: "test/property/raft-group.test.ts" },
  },
  {
    name: "match-ahead-of-the-answer",
    says: "A leader counts what a follower has acknowledged, not what it was sent (thesis 3.5): a write is acknowledged that one disk holds, and a crash takes it.",
    file: "src/raft/replication.ts",
    find: "const news = progress.maybeUpdate(response.index);",
    replace: "const news = progress.maybeUpdate(progress.next - 1);",
    killer: { file: paper },
  },
  {
    name: "window-never-freed",
    says: "An acknowledgement frees the window (thesis 10.2.1): after 64 appends to a follower it gets no more, and writes hang.",
    file: "src/raft/replication.ts",
    find: 'if (progress.state === "replicate") progress.inflights.freeTo(response.index);',
    replace: 'if (progress.state === "replicate") progress.nudge = false;',
    killer: { file: "test/property/raft-group.test.ts" },
  },
  {
    name: "probe-never-repeated",
    says: "A probe without an answer is sent again (thesis 3.5): after a lost message or link a follower gets no entry any more.",
    file: "src/raft/heartbeat.ts",
    find: "  progress.probeSent = false;\n",
    replace: "",
    killer: { file: "test/datadriven/raft.test.ts" },
  },
  {
    name: "lost-append-never-noticed",
    says: "A follower that stands still while entries wait is asked where it is (thesis 3.5): after a lost message a write hangs until somebody writes again.",
    file: "src/raft/heartbeat.ts",
    find: "    progress.nudge = true;",
    replace: "    progress.nudge = false;",
    killer: { file: "test/datadriven/raft.test.ts" },
  },
  {
    name: "rejection-ignored",
    says: "A leader goes back until the logs match (thesis 3.5): a follower that lacks entries never catches up.",
    file: "src/raft/replication.ts",
    find: "    if (progress.maybeDecrease(response.index, hint)) {",
    replace: "    if (hint < 0 && progress.maybeDecrease(response.index, hint)) {",
    killer: { file: "test/property/raft-group.test.ts" },
    quick: true,
  },
];
