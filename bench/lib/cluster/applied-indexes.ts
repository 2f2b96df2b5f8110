/** How far a node's replicas are, asked in the cheapest way there is: a read of each, as it is. */
import { setTimeout as sleep } from "node:timers/promises";
import { Commands } from "../load/commands.ts";
import type { Target } from "../load/load.ts";
import { sharedMs } from "../shared-clock.ts";

const groupsAtOnce = 256;
const pauseMs = 10;
const reachedInMs = 300_000;

/** By the order of `groups`. */
export async function appliedIndexes({ engine, machine, groups }: Target): Promise<number[]> {
  const query = new Commands(machine, 8).query(0);
  const applied: number[] = [];
  for (let first = 0; first < groups.length; first += groupsAtOnce) {
    const some = groups.slice(first, first + groupsAtOnce);
    const answers = await Promise.all(some.map((group) => engine.readLocal(group, query)));
    for (const { appliedIndex } of answers) applied.push(appliedIndex);
  }
  return applied;
}

/** Resolves when each group has applied its target, with the time of `sharedMs`. */
export async function untilApplied(
  { engine, machine }: Pick<Target, "engine" | "machine">,
  targets: readonly number[],
): Promise<number> {
  const deadlineMs = performance.now() + reachedInMs;
  let left = [...targets.keys()];
  while (left.length > 0) {
    // A few at a time, and the next when they are there: asking all of them again and again would
    // slow down what is waited for.
    const groups = left.slice(0, groupsAtOnce);
    const applied = await appliedIndexes({ engine, machine, groups });
    const behind = groups.filter((group, at) => (applied[at] ?? 0) < (targets[group] ?? 0));
    left = [...behind, ...left.slice(groups.length)];
    if (behind.length === 0) continue;
    if (performance.now() > deadlineMs) {
      throw new Error(`${left.length} groups have not caught up in ${reachedInMs} ms`);
    }
    await sleep(pauseMs);
  }
  return sharedMs();
}
