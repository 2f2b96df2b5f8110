/**
 * Cuts a history that is not linearizable down to its shortest beginning that is not. Beginnings of
 * linearizable histories are linearizable (Herlihy and Wing 1990), so it can be found by halving.
 */
import type { Interval } from "./event-list.ts";
import { checkLinearizable } from "./linearizability.ts";
import type { Model, NotLinearizable } from "./linearizability.ts";

export interface FailingPrefix<State, Op> {
  /** The operation with whose answer the beginning ends: it cannot be explained. */
  readonly culprit: Op;
  /** What was called until then, in the order of calls. */
  readonly prefix: readonly Op[];
  /** The longest order of some of it, up to what cannot be placed, and the state it leads to. */
  readonly longest: readonly Op[];
  readonly state: State;
}

export interface Unanswerable<State, Op> extends Model<State, Op> {
  /** The operation before its answer came; undefined where it then has no effect. */
  forget(operation: Op): Op | undefined;
}

/** `failed` is what the search found of the whole; each cut may take `stepsMax` steps. */
export function shortestFailure<State, Op>(
  model: Unanswerable<State, Op>,
  intervals: readonly Interval<Op>[],
  failed: NotLinearizable<State, Op>,
  stepsMax: number,
): FailingPrefix<State, Op> {
  const returns = intervals
    .flatMap(({ returnUs }) => (returnUs === undefined ? [] : [returnUs]))
    .sort((a, b) => a - b);
  let from = 0;
  let to = returns.length - 1;
  let found = failed;
  let prefix = intervals;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const cut = cutAfter(model, intervals, returns[middle] ?? 0);
    const verdict = checkLinearizable(model, cut, stepsMax);
    if (verdict.verdict === "violation") {
      found = verdict;
      prefix = cut;
      to = middle;
      // What cannot be decided is left longer than it might be.
    } else from = middle + 1;
  }
  const last = prefix.find(({ returnUs }) => returnUs === returns[to]);
  return {
    culprit: last?.operation ?? found.blockedAt,
    prefix: prefix.toSorted((a, b) => a.callUs - b.callUs).map(({ operation }) => operation),
    longest: found.longest,
    state: found.state,
  };
}

/** The history as it was at a moment: what was pending then has no answer yet. */
function cutAfter<State, Op>(
  model: Unanswerable<State, Op>,
  intervals: readonly Interval<Op>[],
  untilUs: number,
): Interval<Op>[] {
  return intervals.flatMap((interval): Interval<Op>[] => {
    const { callUs, returnUs } = interval;
    if (callUs > untilUs) return [];
    if (returnUs === undefined || returnUs <= untilUs) return [interval];
    const operation = model.forget(interval.operation);
    return operation === undefined ? [] : [{ operation, callUs, returnUs: undefined }];
  });
}
