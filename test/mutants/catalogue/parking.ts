import type { Mutant } from "../mutant.ts";

const inline = "test/inline/parking.test.ts";

/** Idle groups that send nothing: they must come back. */
export const parkingMutants: readonly Mutant[] = [
  {
    name: "silent-shard-wakes-nobody",
    says: "A parked replica is woken when the shard that vouches for it falls silent (src/shard/ticks.ts): the leader's node dies, and its idle groups have no leader until somebody calls them, and then none.",
    file: "src/shard/ticks.ts",
    find: "for (const silent of this.liveness.tick()) this.wakeAll(silent);",
    replace: "this.liveness.tick();",
    killer: { file: inline, name: "stands still elect another" },
  },
  {
    name: "parked-leader-not-woken",
    says: "A parked leader checks its quorum again when a follower's shard falls silent (src/shard/ticks.ts): alone, it says that it leads for ever.",
    file: "src/shard/ticks.ts",
    find: "if (replica.raft.parked && !this.isCovered(replica)) replica.raft.wake();",
    replace: "",
    killer: { file: inline, name: "has no quorum" },
  },
  {
    name: "woken-replica-not-ticked",
    says: "A replica that wakes is ticked again (src/shard/ticks.ts): it sends no heartbeats, and its followers depose a leader that works.",
    file: "src/shard/ticks.ts",
    find: "if (replica.ticking || replica.raft.parked || !replica.running) return;",
    replace: "if (replica.ticking || replica.raft.parked || replica.raft.term > 0) return;",
    killer: { file: inline, name: "takes writes and reads" },
  },
  {
    name: "parks-while-a-follower-is-behind",
    says: "A group parks when every follower holds the whole log (src/raft/parking.ts): one that lacks entries is told to commit them, and takes its disk for one that forgot.",
    file: "src/raft/parking.ts",
    find: 'sending === "replicate" && match === log.lastIndex && commitSent === match && !nudge,',
    replace: 'sending === "replicate" && !nudge,',
    also: [
      {
        file: "src/raft/parking.ts",
        find: "if (log.committed < log.lastIndex || log.stable < log.lastIndex) return false;",
        replace: "",
      },
    ],
    killer: { file: "test/datadriven/raft.test.ts" },
  },
];
