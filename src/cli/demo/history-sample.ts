/**
 * Which of the demo's operations a history holds: all of some keys, since a history with gaps
 * proves nothing, and of few enough keys that writing them down does not slow what is measured.
 */
import { clientKey, clientsPerGroup, demoNodes } from "./demo-options.ts";
import type { DemoOptions } from "./demo-options.ts";

const groupsMax = 16;
const clientsMax = 4;

export const historySample: string = `the first ${clientsMax} clients of each node, in at most ${groupsMax} groups`;

export function sampledGroups(options: DemoOptions): number[] {
  const step = stepOf(options);
  const count = Math.ceil(options.groups / step);
  return Array.from({ length: count }, (_, at) => at * step);
}

export function isSampledGroup(options: DemoOptions, group: number): boolean {
  return group % stepOf(options) === 0;
}

/** Clients from 0 on. */
export function sampledClients(options: DemoOptions): number {
  return Math.min(clientsMax, clientsPerGroup(options));
}

/** The keys of a group that a node reads: everybody's of the first life and its own. */
export function sampledKeys(options: DemoOptions, node: string, life: number): string[] {
  const lives: (readonly [string, number])[] = demoNodes.map((other) => [other, 1]);
  if (life > 1) lives.push([node, life]);
  return lives.flatMap(([owner, ofLife]) =>
    Array.from({ length: sampledClients(options) }, (_, client) =>
      clientKey(owner, ofLife, client),
    ),
  );
}

/** The nodes lead every third group each: a multiple of three would sample one node's only. */
function stepOf({ groups }: DemoOptions): number {
  const step = Math.ceil(groups / groupsMax);
  return step % demoNodes.length === 0 ? step + 1 : step;
}
