import { defineStateMachine } from "flotilla";

// Loaded by every shard's worker thread. Deterministic: time and identity come from the entry.
export const createStateMachine = defineStateMachine({
  init: () => new Map(),
  apply(counters, { name, by }) {
    const sum = (counters.get(name) ?? 0) + by;
    counters.set(name, sum);
    return sum;
  },
  query: (counters, name) => counters.get(name) ?? 0,
});
