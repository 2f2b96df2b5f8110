import type { Mutant } from "../mutant.ts";

const failed = "test/inline/failed-replicas.test.ts";

/** What a replica cannot do now is told from what its disk proves. */
export const failureMutants: readonly Mutant[] = [
  {
    name: "machine-failure-is-durable",
    says: "A state machine that cannot be created says nothing about the disk (src/shard/groups.ts): a bad deploy on all nodes destroys every group of the cluster.",
    file: "src/shard/groups.ts",
    find: `    fail(context, replica, {
      reason: \`its state machine cannot be created: \${messageOf(error)}\`,
      pristine: true,
    });`,
    replace: '    disable(context, replica, messageOf(error), "contradiction");',
    hunt: { seeds: 0 },
    killer: { file: failed, name: "serve again when they can" },
  },
  {
    name: "failed-read-is-damage",
    says: "A read that fails proves no damage (src/shard/groups.ts): one EMFILE takes a sound replica out of its group for ever.",
    file: "src/shard/groups.ts",
    find: "    default:\n      return undefined;",
    replace: '    default:\n      return "damage";',
    hunt: { seeds: 0 },
    killer: { file: failed, name: "ends the replica for a pause" },
  },
  {
    name: "failed-replica-not-tried-again",
    says: "What failed is tried again by itself (src/shard/failures.ts): after a passing fault groups stand still until somebody calls startGroup on each.",
    file: "src/shard/failures.ts",
    find: "      if (atMs > nowMs) continue;",
    replace: "      if (atMs >= 0) continue;",
    killer: { file: failed, name: "serve again when they can" },
  },
  {
    name: "start-of-a-failed-replica-says-done",
    says: "A call of startGroup tells whether the replica runs (src/shard/groups.ts): an operator believes that a group is back, and it is not.",
    file: "src/shard/groups.ts",
    find: '  if (replica.state === "failed") settle.failed(groupFailed(context, replica, "unknown"));\n  else storeDescriptor',
    replace: "  storeDescriptor",
    hunt: { seeds: 0 },
    killer: { file: failed, name: "tries at once, and says whether it runs" },
  },
  {
    name: "damaged-replica-is-enabled",
    says: "A replica that cannot be trusted stays out (src/shard/groups.ts): with holes in its log it votes and acknowledges again.",
    file: "src/shard/groups.ts",
    find: '  if (cause === "applyError") {',
    replace: "  if (cause !== undefined) {",
    hunt: { seeds: 0 },
    killer: { file: failed, name: "enableGroup refuses" },
  },
];
