/** What a script can do to a world: one verb a line, `at=TIME VERB WORDS key=value`. */
import { eventKind } from "../agenda.ts";
import { scriptInvalid } from "../script.ts";
import type { Line } from "../script.ts";
import { pick } from "../settings.ts";
import type { SimulatedNode } from "../simulated-node.ts";
import type { World } from "../world.ts";

export interface Verb {
  readonly name: string;
  readonly usage: string;
  run(world: World, line: Line): void;
}

export function nodeOf(world: World, line: Line, at = 0): SimulatedNode {
  const id = line.word(at);
  const node = world.node(id);
  if (node === undefined) throw scriptInvalid(`there is no node "${id}"`);
  return node;
}

/**
 * `leader:GROUP` in a line stands for a node that takes itself for that group's leader just then;
 * one of several, where there are, and any node where there is none.
 */
export function resolveLeaders(world: World, text: string): string {
  return text.replaceAll(/leader:(\d+)/g, (_, digits: string) => {
    const group = Number(digits);
    const leaders = world.nodes.filter((node) => world.live(node, group)?.raft.isLeader === true);
    return pick(world.prng, leaders.length > 0 ? leaders : world.nodes);
  });
}

/** What begins now ends after `for=`. */
export function during(world: World, line: Line, end: () => void): void {
  const untilUs = world.agenda.nowUs + line.setting("for");
  if (untilUs !== Number.POSITIVE_INFINITY) world.agenda.settleAt(untilUs, eventKind.action, end);
}
