/** What a script can do to a world: one verb a line, `at=TIME VERB WORDS key=value`. */
import { eventKind } from "../agenda.ts";
import { scriptInvalid } from "../script.ts";
import type { Line } from "../script.ts";
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

/** What begins now ends after `for=`. */
export function during(world: World, line: Line, end: () => void): void {
  const untilUs = world.agenda.nowUs + line.setting("for");
  if (untilUs !== Number.POSITIVE_INFINITY) world.agenda.settleAt(untilUs, eventKind.action, end);
}
