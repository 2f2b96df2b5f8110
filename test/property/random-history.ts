/**
 * Histories that are linearizable by construction: every operation is given the moment at which it
 * takes effect, and a register that is applied in the order of those moments answers.
 */
import fc from "fast-check";
import type { Operation, Value } from "../../src/testing/history/index.ts";

type Plan = ReturnType<typeof planOf> extends fc.Arbitrary<infer One> ? One : never;

interface Shape {
  readonly operationsMax: number;
  readonly keys: number;
  /** Compare-and-swaps of unknown outcome, which the index oracle only half understands. */
  readonly unknownCas: boolean;
  readonly local: boolean;
}

/** Apart enough that every call and return has a time of its own. */
const tickUs = 1_000;
const clients = 3;
const nodes = ["n1", "n2"] as const;

function planOf({ keys, unknownCas, local }: Shape) {
  const kinds = ["put", "put", "get", "get", "cas", ...(local ? ["getLocal"] : [])] as const;
  return fc
    .record({
      kind: fc.constantFrom(...kinds),
      client: fc.nat(clients - 1),
      key: fc.nat(keys - 1),
      gap: fc.nat(3),
      length: fc.nat(6),
      /** When in its interval it takes effect, in percent. */
      moment: fc.nat(100),
      outcome: fc.constantFrom("done", "done", "done", "lost", "late", "none"),
      /** Which of the values so far a compare-and-swap expects, or how far a replica lags. */
      pick: fc.nat(1_000),
      /** Whether a client whose answer is lost hears at least that it is. */
      hears: fc.boolean(),
    })
    .map((plan) =>
      plan.kind === "cas" && !unknownCas && plan.outcome !== "none"
        ? { ...plan, outcome: "done" }
        : plan,
    );
}

interface Draft {
  readonly plan: Plan;
  readonly id: number;
  readonly callUs: number;
  readonly returnUs: number;
  /** Infinite where it never takes effect. */
  readonly effectUs: number;
}

/** Linearizable histories in which each put and compare-and-swap has a value of its own. */
export function linearizableHistory(shape: Shape): fc.Arbitrary<Operation[]> {
  return fc
    .array(planOf(shape), { minLength: 1, maxLength: shape.operationsMax })
    .map((plans) => perform(draftAll(plans)));
}

function draftAll(plans: readonly Plan[]): Draft[] {
  const free = new Array<number>(clients).fill(0);
  return plans.map((plan, id) => {
    const start = (free[plan.client] ?? 0) + plan.gap;
    const end = start + plan.length;
    free[plan.client] = end + 1;
    const callUs = start * tickUs + id * 2;
    const returnUs = end * tickUs + id * 2 + 1;
    const span = plan.outcome === "late" ? 20 * tickUs : returnUs - callUs;
    const never = plan.outcome === "none" || (plan.outcome === "lost" && plan.pick % 2 === 0);
    const effectUs = never ? Number.POSITIVE_INFINITY : callUs + (span * plan.moment) / 100;
    return { plan, id, callUs, returnUs, effectUs };
  });
}

/** One log of all keys, as one group has. */
function perform(drafts: readonly Draft[]): Operation[] {
  // What each key held at each index; cell 0 is before the first entry.
  const states: ReadonlyMap<number, Value>[] = [new Map()];
  const applied = nodes.map(() => 0);
  const operations: Operation[] = [];
  for (const draft of drafts.toSorted((a, b) => a.effectUs - b.effectUs)) {
    const { plan, id } = draft;
    const value = `${id}`;
    const state = states.at(-1) ?? new Map<number, Value>();
    const held = state.get(plan.key) ?? null;
    const base = baseOf(draft);
    const unanswered = unansweredOf(plan);
    const effective = draft.effectUs < Number.POSITIVE_INFINITY;
    switch (plan.kind) {
      case "put": {
        if (effective) states.push(new Map(state).set(plan.key, value));
        const answer = unanswered ?? { result: "done", index: states.length - 1 };
        operations.push({ ...base, ...answer, kind: plan.kind, arguments: { value } });
        break;
      }
      case "cas": {
        // Expects what is there, or nothing.
        const expected = plan.pick % 3 > 0 ? held : null;
        const success = held === expected;
        if (effective) states.push(success ? new Map(state).set(plan.key, value) : state);
        const done = { result: { success, previous: held }, index: states.length - 1 };
        const answer = unanswered ?? done;
        operations.push({ ...base, ...answer, kind: plan.kind, arguments: { expected, value } });
        break;
      }
      case "get": {
        const answer = unanswered ?? { result: { value: held }, index: states.length - 1 };
        operations.push({ ...base, ...answer, kind: plan.kind, arguments: {} });
        break;
      }
      default: {
        const at = plan.pick % nodes.length;
        const from = applied[at] ?? 0;
        const index = from + (plan.pick % (states.length - from));
        if (effective) applied[at] = index;
        const done = { result: { value: states[index]?.get(plan.key) ?? null }, index };
        const place = { node: nodes[at] ?? nodes[0], life: 1 };
        operations.push({ ...base, ...(unanswered ?? done), kind: "getLocal", arguments: place });
      }
    }
  }
  return operations;
}

function baseOf({ plan, callUs, returnUs }: Draft) {
  const heard = plan.outcome === "done" || plan.outcome === "none" || plan.hears;
  return {
    client: plan.client,
    group: 7,
    key: `k${plan.key}`,
    callUs,
    returnUs: heard ? returnUs : undefined,
  };
}

function unansweredOf({ outcome }: Plan): { readonly result: "none" | "unknown" } | undefined {
  if (outcome === "done") return undefined;
  return { result: outcome === "none" ? "none" : "unknown" };
}

/** The same history with one answer, chosen by `pick`, that says another of the values. */
export function withOtherValue(
  operations: readonly Operation[],
  pick: number,
  value: Value,
): Operation[] {
  const answered = operations.filter(({ result }) => typeof result === "object");
  const chosen = answered[pick % Math.max(1, answered.length)];
  return operations.map((operation) => {
    if (operation !== chosen) return operation;
    switch (operation.kind) {
      case "put":
        return operation;
      case "cas":
        return {
          ...operation,
          result: { success: value === operation.arguments.expected, previous: value },
        };
      case "get":
        return { ...operation, result: { value } };
      case "getLocal":
        return { ...operation, result: { value } };
    }
  });
}

/** The same history where every value is one of a few, so that different writes write the same. */
export function withFewValues(operations: readonly Operation[], count: number): Operation[] {
  const few = (value: Value): Value => (value === null ? null : fewOf(value));
  const fewOf = (value: string): string => `${Number(value) % count}`;
  return operations.map((operation) => {
    switch (operation.kind) {
      case "put":
        return { ...operation, arguments: { value: fewOf(operation.arguments.value) } };
      case "cas": {
        const { expected, value } = operation.arguments;
        const changed = {
          ...operation,
          arguments: { expected: few(expected), value: fewOf(value) },
        };
        return typeof operation.result === "string"
          ? changed
          : {
              ...changed,
              result: { ...operation.result, previous: few(operation.result.previous) },
            };
      }
      case "get":
        return typeof operation.result === "string"
          ? operation
          : { ...operation, result: { value: few(operation.result.value) } };
      case "getLocal":
        return operation;
    }
  });
}
