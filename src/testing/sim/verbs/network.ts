/** The network: partitions of every shape, lost connections, clogged lanes. */
import type { NodeId } from "../../../base/index.ts";
import type { Line } from "../script.ts";
import type { World } from "../world.ts";
import { during, nodeOf } from "./verb.ts";
import type { Verb } from "./verb.ts";

/** From one node to another. */
type Way = readonly [NodeId, NodeId];

/** Ways between nodes that stand in no side together. */
function waysBetween(world: World, sides: readonly string[]): Way[] {
  const sideOf = (node: NodeId): number[] =>
    sides.flatMap((side, at) => (side.includes(node) ? [at] : []));
  const apart: Way[] = [];
  for (const a of world.nodes) {
    for (const b of world.nodes) {
      if (a !== b && !sideOf(a).some((side) => sideOf(b).includes(side))) apart.push([a, b]);
    }
  }
  return apart;
}

/** Frames on these ways are lost silently, as long as the line says. */
function blockWays(world: World, line: Line, ways: readonly Way[]): void {
  for (const [from, to] of ways) world.wire.block(from, to);
  during(world, line, () => {
    for (const [from, to] of ways) world.wire.unblock(from, to);
  });
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
    name: "hang",
    usage: "hang FROM TO for=US   (its links carry nothing, silently, until they are found silent)",
    run: (world, line) => {
      const [from, to] = [nodeOf(world, line).id, nodeOf(world, line, 1).id];
      world.tally.fault("link silently dead");
      world.network.hang(from, to);
      during(world, line, () => world.network.endHung(from, to));
    },
  },
  {
    name: "block",
    usage: "block FROM TO for=US",
    run: (world, line) => {
      world.tally.fault("one way blocked");
      blockWays(world, line, [[nodeOf(world, line).id, nodeOf(world, line, 1).id]]);
    },
  },
  {
    name: "isolate",
    usage: "isolate NODE for=US [in|out]   (from all others, or one way only)",
    run: (world, line) => {
      const { id } = nodeOf(world, line);
      world.tally.fault("node isolated");
      const others = world.nodes.filter((other) => other !== id);
      const ways: Way[] = [];
      if (!line.flag("in")) ways.push(...others.map((other): Way => [id, other]));
      if (!line.flag("out")) ways.push(...others.map((other): Way => [other, id]));
      blockWays(world, line, ways);
    },
  },
  {
    name: "partition",
    usage: "partition sides=ab,bc for=US   (a node in two sides is a bridge)",
    run: (world, line) => {
      const sides = line.list("sides");
      const bridge = sides.join("").length > world.nodes.length;
      world.tally.fault(bridge ? "partition with a bridge" : "partition");
      blockWays(world, line, waysBetween(world, sides));
    },
  },
  {
    name: "move",
    usage: "move NODE for=US   (its process restarts at another address; so long nobody knows)",
    run: (world, line) => {
      const node = nodeOf(world, line);
      if (node.up) world.tally.fault("node moved to another address");
      node.move();
      during(world, line, () => world.tellAddresses());
    },
  },
  {
    name: "forget",
    usage: "forget NODE for=US   (so long it is in no other node's address book)",
    run: (world, line) => {
      const { id } = nodeOf(world, line);
      world.tally.fault("node left the address books");
      world.forgotten.add(id);
      world.tellAddresses();
      during(world, line, () => {
        world.forgotten.delete(id);
        world.tellAddresses();
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
