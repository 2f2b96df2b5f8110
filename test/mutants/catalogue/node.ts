import type { Mutant } from "../mutant.ts";

const partsDown = "test/input/parts-down.test.ts";
const handle = "test/unit/engine/shard-handle.test.ts";
const outside = { seeds: 0 } as const;

/** A part of a node that is down takes no other part with it, and nothing waits for ever. */
export const nodeMutants: readonly Mutant[] = [
  {
    name: "damaged-shard-refuses-node",
    says: "Open what opens: one damaged file keeps the groups of all shards of its node down.",
    file: "src/engine/shard-set.ts",
    find: '      if (this.handles.some(({ state }) => state === "up")) {',
    replace: '      if (this.handles.every(({ state }) => state === "up")) {',
    hunt: outside,
    killer: { file: partsDown, name: "and the others of its node serve" },
  },
  {
    name: "failed-shard-keeps-its-leaders",
    says: "A shard that has failed leads nothing: groups() and awaitLeader send callers to a dead store.",
    file: "src/engine/engine.ts",
    find: "    this.#groups.forgetRoles(concerned);\n    this.#leaderWaits.notifyAll(concerned);",
    replace: "    this.#leaderWaits.notifyAll(concerned);",
    hunt: outside,
    killer: { file: partsDown, name: "whose store died" },
  },
  {
    name: "close-without-deadline",
    says: "Closing has a deadline: a state machine that loops in apply, or a disk that hangs, keeps the process from ending.",
    file: "src/engine/shard-set.ts",
    find: "    if (await within(timeoutMs, ended)) return;",
    replace: "    if (await within(timeoutMs * 1_000, ended)) return;",
    hunt: outside,
    killer: { file: partsDown, name: "close gives up" },
  },
  {
    name: "open-without-deadline",
    says: "Engine.open has a deadline: a disk that hangs keeps a service starting for ever.",
    file: "src/engine/shard-set.ts",
    find: "      await within(timeoutMs, Promise.all(opening));",
    replace: "      await Promise.all(opening);",
    hunt: outside,
    killer: { file: partsDown, name: "an open whose only shard" },
  },
  {
    name: "comeback-fails-for-good",
    says: "A comeback that fails for a passing reason is tried again: one moment without descriptors takes a shard down until the process restarts.",
    file: "src/engine/shard-handle.ts",
    find: 'if (this.state === "restarting" && isPassing(error)) this.comeBackLater(error);\n      else this.fail(error);',
    replace: "this.fail(error);",
    hunt: outside,
    killer: { file: handle, name: "passing reason" },
  },
  {
    name: "comeback-insists-on-its-port",
    says: "A shard whose port the system chose comes back on another one if that is taken: otherwise it stays down for as long as another program listens there.",
    file: "src/engine/shard-handle.ts",
    find: '    if (error.code === "ERR_PORT_IN_USE") this.port = undefined;\n',
    replace: "",
    hunt: outside,
    killer: { file: handle, name: "passing reason" },
  },
];
