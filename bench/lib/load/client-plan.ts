/** Who calls which groups how, so that a given number of commands is in flight at any time. */
import type { Work } from "./load.ts";

/** One caller with one call outstanding. */
export interface ClientPlan {
  /** Called one after another, again and again. */
  readonly groups: readonly number[];
  /** The first of the group's commands that are this caller's, and how many go into a call. */
  readonly first: number;
  readonly count: number;
}

export function planClients(
  groups: readonly number[],
  outstanding: number,
  { single, batchMax }: Pick<Work, "single" | "batchMax">,
): ClientPlan[] {
  if (groups.length === 0) return [];
  if (outstanding < groups.length) return planWanderers(groups, outstanding);
  const plans: ClientPlan[] = [];
  for (const [at, group] of groups.entries()) {
    const commands = shareOf(outstanding, groups.length, at);
    const calls = single ? commands : Math.ceil(commands / batchMax);
    let first = 0;
    for (let call = 0; call < calls; call += 1) {
      const count = shareOf(commands, calls, call);
      plans.push({ groups: [group], first, count });
      first += count;
    }
  }
  return plans;
}

/** Fewer commands than groups: each caller goes round among groups of its own. */
function planWanderers(groups: readonly number[], callers: number): ClientPlan[] {
  return Array.from({ length: callers }, (_, caller) => ({
    groups: groups.filter((_group, at) => at % callers === caller),
    first: 0,
    count: 1,
  }));
}

/** The part of `whole` that number `at` of `parts` takes, when all take whole and equal ones. */
export function shareOf(whole: number, parts: number, at: number): number {
  return Math.floor(whole / parts) + (at < whole % parts ? 1 : 0);
}
