import { Line, scriptInvalid } from "../script.ts";
import type { World } from "../world.ts";
import { byteVerbs } from "./bytes.ts";
import { callVerbs } from "./call.ts";
import { diskVerbs } from "./disk.ts";
import { groupVerbs } from "./group.ts";
import { networkVerbs } from "./network.ts";
import { processVerbs } from "./process.ts";
import { resolveLeaders } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const verbs: readonly Verb[] = [
  ...processVerbs,
  ...networkVerbs,
  ...diskVerbs,
  ...groupVerbs,
  ...callVerbs,
  ...byteVerbs,
];

const byName: ReadonlyMap<string, Verb> = new Map(verbs.map((verb) => [verb.name, verb]));

/** Does what a line says. @throws ERR_OPTION_INVALID where it makes no sense */
export function perform(world: World, text: string): void {
  const line = new Line(resolveLeaders(world, text));
  const verb = byName.get(line.name);
  if (verb === undefined) throw scriptInvalid(`there is no verb "${line.name}"`);
  verb.run(world, line);
}
