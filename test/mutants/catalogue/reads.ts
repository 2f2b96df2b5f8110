import type { Mutant } from "../mutant.ts";

const paper = "test/paper/replication.test.ts";
const predecessors = "test/defects/raft-predecessors.test.ts";

/** Linearizable reads: thesis 6.4. */
export const readMutants: readonly Mutant[] = [
  {
    name: "read-skips-own-term-guard",
    says: "A new leader's reads wait for an entry of its own term (thesis 6.4; zraft_lib): right after a failover a read misses acknowledged writes.",
    file: "src/raft/read-index.ts",
    find: "index: Math.max(state.log.committed, state.termStart),",
    replace: "index: state.log.committed,",
    killer: { file: predecessors, name: "own-term guard of reads missing" },
  },
  {
    name: "read-joins-round-under-way",
    says: "A read is confirmed by a round that began after it came: answers from before a new leader's election confirm the old one, and a read misses acknowledged writes.",
    file: "src/raft/read-index.ts",
    find: "round: state.readRound + 1,",
    replace: "round: state.reads.length > 0 ? Math.max(state.readRound, 1) : state.readRound + 1,",
    killer: { file: "test/datadriven/raft.test.ts" },
  },
  {
    name: "read-round-number-reused",
    says: "Each round has a fresh number (etcd #20418): an old answer confirms a new read, and a leader that was replaced answers with old state.",
    file: "src/raft/read-index.ts",
    find: "round: state.readRound + 1,",
    replace: "round: 1,",
    also: [
      {
        file: "src/raft/heartbeat.ts",
        find: "if (state.reads.length > 0) state.readRound += 1;",
        replace: "state.readRound = 1;",
      },
    ],
    killer: { file: predecessors, name: "#20418" },
  },
  {
    name: "read-without-quorum",
    says: "A quorum confirms a read (ex_raft): a leader that was replaced behind a partition answers with old state.",
    file: "src/raft/read-index.ts",
    find: `  const confirmed = jointIndex(state.configuration, (voter) =>
    voter === state.self ? state.readRound : (state.progress.get(voter)?.readRound ?? 0),
  );`,
    replace: "  const confirmed = state.readRound;",
    killer: { file: predecessors, name: "reads without a quorum check" },
  },
  {
    name: "read-after-one-answer",
    says: "A majority confirms a read (toniq raft): in a group of 4 or more a leader on the smaller side of a partition answers with old state.",
    file: "src/raft/read-index.ts",
    find: `  const confirmed = jointIndex(state.configuration, (voter) =>
    voter === state.self ? state.readRound : (state.progress.get(voter)?.readRound ?? 0),
  );`,
    replace: `  const rounds = state.peers.map((peer) => state.progress.get(peer)?.readRound ?? 0);
  const confirmed = rounds.length === 0 ? state.readRound : Math.max(...rounds);`,
    killer: { file: predecessors, name: "a read answered after a single acknowledgement" },
  },
  {
    name: "read-before-apply",
    says: "A read waits until its index is applied (thesis 6.4, step 4): right after a failover it misses acknowledged writes.",
    file: "src/shard/reads.ts",
    find: "if (first === undefined || first.index > applied) return undefined;",
    replace: "if (first === undefined) return undefined;",
    killer: { file: "test/inline/hostile-peer.test.ts", name: "answers no read before an entry" },
  },
  {
    name: "heartbeat-answer-without-round",
    says: "An answer names the round that it confirms (thesis 6.4): no read is ever answered where a group has more than one member.",
    file: "src/raft/heartbeat.ts",
    find: "    readRound: request.readRound,",
    replace: "    readRound: 0,",
    killer: { file: paper, name: "6.4" },
    quick: true,
  },
  {
    name: "unconfirmed-read-not-asked-again",
    says: "A read that was not confirmed is asked about again (thesis 6.4): one lost message leaves it without an answer.",
    file: "src/raft/heartbeat.ts",
    find: "const readRound = state.reads.length > 0 ? state.readRound : 0;",
    replace:
      "const asked = state.reads.some(({ round }) => round === state.readRound);\n  const readRound = asked ? state.readRound : 0;",
    killer: { file: "test/datadriven/raft.test.ts" },
  },
];
