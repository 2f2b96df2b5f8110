/** Real time and log indexes: what returned before another was called has no higher index. */
import type { Indexed } from "./finding.ts";
import type { Operation } from "./operation.ts";

/**
 * Calls `look` for each of `later`, in the order of calls, with that one of `earlier` that has the
 * highest index among those that returned before the call.
 */
export function eachWithNewestBefore<Op extends Operation>(
  earlier: readonly Indexed[],
  later: readonly Op[],
  look: (operation: Op, newest: Indexed) => void,
): void {
  const returns = earlier.toSorted((a, b) => a.returnUs - b.returnUs);
  const calls = later.toSorted((a, b) => a.callUs - b.callUs);
  let newest: Indexed | undefined;
  let at = 0;
  for (const operation of calls) {
    let next = returns[at];
    while (next !== undefined && next.returnUs < operation.callUs) {
      if (newest === undefined || next.index > newest.index) newest = next;
      at += 1;
      next = returns[at];
    }
    if (newest !== undefined) look(operation, newest);
  }
}
