/** How far a node's replicas are, asked in the cheapest way there is: a read of each, as it is. */
import { setTimeout as sleep } from "node:timers/promises";
import { Commands } from "../load/commands.ts";
import type { Target } from "../load/load.ts";
import { sharedMs } from "../shared-clock.ts";

const groupsAtOnce = 4_096;
const pauseMs = 5;
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
  let groups = [...targets.keys()];
  for (;;) {
    const applied = await appliedIndexes({ engine, machine, groups });
    groups = groups.filter((group, at) => (applied[at] ?? 0) < (targets[group] ?? 0));
    if (groups.length === 0) return sharedMs();
    if (performance.now() > deadlineMs) {
      throw new Error(`${groups.length} groups have not caught up in ${reachedInMs} ms`);
    }
    await sleep(pauseMs);
  }
}
