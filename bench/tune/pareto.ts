import type { Outcome } from "./goal.ts";

/** Those that no other beats in one of throughput and p99 without losing in the other. */
export function paretoFront<T extends Outcome>(outcomes: readonly T[]): T[] {
  const front: T[] = [];
  // From the most throughput down, only what has less latency than all before it is worth it.
  const ordered = outcomes.toSorted((a, b) => b.throughput - a.throughput || a.p99Ms - b.p99Ms);
  for (const outcome of ordered) {
    const last = front.at(-1);
    if (last === undefined || outcome.p99Ms < last.p99Ms) front.push(outcome);
  }
  return front.reverse();
}
