/** The network: partitions of every shape, lost connections, clogged lanes. */
import type { NodeId } from "../../../base/index.ts";
import type { World } from "../world.ts";
import { during, nodeOf } from "./verb.ts";
import type { Verb } from "./verb.ts";

/** Ways between nodes that stand in no side together. */
function pairs(world: World, sides: readonly string[]): [NodeId, NodeId][] {
  const sideOf = (node: NodeId): number[] =>
    sides.flatMap((side, at) => (side.includes(node) ? [at] : []));
  const apart: [NodeId, NodeId][] = [];
  for (const a of world.nodes) {
    for (const b of world.nodes) {
      if (a !== b && !sideOf(a).some((side) => sideOf(b).includes(side))) apart.push([a, b]);
    }
  }
  return apart;
}

export const networkVerbs: readonly Verb[] = [
  {
    name: "cut",
    usage: "cut NODE NODE for=US",
    run: (world, line) => {
      const [a, b] = [nodeOf(world, line).id, nodeOf(world, line, 1).id];
      world.tally.fault("connections cut");
      world.network.cut(a, b);
      during(world, line, () => world.network.heal(a, b));
    },
  },
  {
    name: "reset",
    usage: "reset NODE NODE",
    run: (world, line) => {
      world.tally.fault("connections reset");
      world.network.reset(nodeOf(world, line).id, nodeOf(world, line, 1).id);
    },
  },
  {
    name: "block",
    usage: "block FROM TO for=US",
    run: (world, line) => {
      const [from, to] = [nodeOf(world, line).id, nodeOf(world, line, 1).id];
      world.tally.fault("one way blocked");
      world.wire.block(from, to);
      during(world, line, () => world.wire.unblock(from, to));
    },
  },
  {
    name: "isolate",
    usage: "isolate NODE for=US [in|out]   (from all others, or one way only)",
    run: (world, line) => {
      const { id } = nodeOf(world, line);
      world.tally.fault("node isolated");
      const ways = world.nodes.flatMap((other): [NodeId, NodeId][] => {
        if (other === id) return [];
        if (line.flag("in")) return [[other, id]];
        return line.flag("out")
          ? [[id, other]]
          : [
              [id, other],
              [other, id],
            ];
      });
      for (const [from, to] of ways) world.wire.block(from, to);
      during(world, line, () => {
        for (const [from, to] of ways) world.wire.unblock(from, to);
      });
    },
  },
  {
    name: "partition",
    usage: "partition sides=ab,bc for=US   (a node in two sides is a bridge)",
    run: (world, line) => {
      const sides = line.list("sides");
      const apart = pairs(world, sides);
      const bridge = sides.join("").length > world.nodes.length;
      world.tally.fault(bridge ? "partition with a bridge" : "partition");
      for (const [from, to] of apart) world.wire.block(from, to);
      during(world, line, () => {
        for (const [from, to] of apart) world.wire.unblock(from, to);
      });
    },
  },
  {
    name: "clog",
    usage: "clog FROM TO control|data for=US",
    run: (world, line) => {
      const lane = line.word(2) === "control" ? "control" : "data";
      world.tally.fault("lane clogged");
      const untilUs = world.agenda.nowUs + line.setting("for");
      world.wire.clog(nodeOf(world, line).id, nodeOf(world, line, 1).id, lane, untilUs);
    },
  },
];
