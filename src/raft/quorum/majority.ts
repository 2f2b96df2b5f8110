/**
 * Decisions of one set of voters by majority: ⌊n/2⌋ + 1 of n (thesis §3.4, §3.6.2). Pure
 * mathematics, no protocol words. The empty set decides everything (every index is committed, every
 * vote won), so that a joint configuration needs no special case for its empty half.
 */
import type { Index, NodeKey } from "../../base/index.ts";

export type VoteResult = "won" | "lost" | "pending";

export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** Reused for sorting: the function is synchronous and this layer has one thread. */
const scratch: number[] = [];

/** The highest index that a majority has reached; infinite for the empty set. */
export function majorityIndex(
  voters: readonly NodeKey[],
  indexOf: (voter: NodeKey) => Index,
): Index {
  const count = voters.length;
  if (count === 0) return Number.POSITIVE_INFINITY;
  scratch.length = 0;
  for (const voter of voters) {
    const index = indexOf(voter);
    let at = scratch.length;
    // Insertion sort, descending: groups have 3 to 7 voters, and sort() would allocate its
    // comparator's frame per call.
    while (at > 0 && (scratch[at - 1] ?? 0) < index) {
      scratch[at] = scratch[at - 1] ?? 0;
      at -= 1;
    }
    scratch[at] = index;
  }
  return scratch[majorityOf(count) - 1] ?? 0;
}

/** What the votes cast so far decide. `voteOf` is undefined where a voter has not answered. */
export function majorityVote(
  voters: readonly NodeKey[],
  voteOf: (voter: NodeKey) => boolean | undefined,
): VoteResult {
  if (voters.length === 0) return "won";
  let granted = 0;
  let missing = 0;
  for (const voter of voters) {
    const vote = voteOf(voter);
    if (vote === true) granted += 1;
    else if (vote === undefined) missing += 1;
  }
  const needed = majorityOf(voters.length);
  if (granted >= needed) return "won";
  return granted + missing >= needed ? "pending" : "lost";
}
