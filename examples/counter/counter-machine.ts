/**
 * Named counters, with the types of their commands and queries. Each shard's worker loads this
 * module by its URL.
 */
import { defineStateMachine } from "../../src/engine/index.ts";

export interface Add {
  readonly counter: string;
  readonly by: number;
}

export const createStateMachine = defineStateMachine({
  init: () => new Map<string, number>(),
  apply(counters, { counter, by }: Add) {
    const sum = (counters.get(counter) ?? 0) + by;
    counters.set(counter, sum);
    return sum;
  },
  query: (counters, counter: string) => counters.get(counter) ?? 0,
});

export type CounterMachine = typeof createStateMachine;
