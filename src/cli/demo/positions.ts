/** When the replicas of all groups, seen from outside, have nothing left to do. */
import type { Positions } from "./messages.ts";

/**
 * Whether every entry in any log is committed and applied on every replica. Commit and applied
 * index alone do not tell: a restarted node knows only the commit index of its last write, so all
 * three may agree on one that is older than the end of their logs, until a leader is elected.
 */
export function standStill(nodes: readonly Positions[]): boolean {
  return sameIndexes(nodes.flatMap(({ last, commit, applied }) => [last, commit, applied]));
}

/** Whether lists with one index a group are the same. */
export function sameIndexes(lists: readonly ArrayLike<number>[]): boolean {
  const [first, ...others] = lists;
  if (first === undefined) return true;
  return others.every(
    (other) =>
      other.length === first.length &&
      Array.from(other).every((index, group) => index === first[group]),
  );
}
