/** What clients do, from what the command line said. */
import type { ReadConsistency, Work } from "./load/load.ts";

interface Calling {
  readonly valueBytes: number;
  readonly single: boolean;
  readonly batch: number;
}

export function writesOf({ valueBytes, single, batch }: Calling): Work {
  return { valueBytes, readRatio: 0, consistency: "linearizable", single, batchMax: batch };
}

/** Reads. Those of a group's own replica are a call each: the engine has no batch of them. */
export function readsOf(
  { valueBytes, single, batch }: Calling,
  consistency: ReadConsistency,
): Work {
  const batched = !single && consistency === "linearizable";
  return { valueBytes, readRatio: 1, consistency, single: !batched, batchMax: batch };
}

/** Reads and writes; each is a call of its own. */
export function mixtureOf(
  valueBytes: number,
  readRatio: number,
  consistency: ReadConsistency,
): Work {
  return { valueBytes, readRatio, consistency, single: true, batchMax: 1 };
}
