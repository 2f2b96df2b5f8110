/** Linearizability as it is defined, for few operations of one key: tries every order of every subset. */
import type { Operation, RegisterOperation } from "../../src/testing/history/index.ts";
import { registerModel } from "../../src/testing/history/index.ts";

export function isLinearizable(operations: readonly Operation[]): boolean {
  const relevant = operations.flatMap((one): RegisterOperation[] =>
    one.kind === "getLocal" || one.result === "none" ? [] : [one],
  );
  const optional = relevant.filter(({ result }) => result === "unknown");
  const required = relevant.filter(({ result }) => result !== "unknown");
  return subsets(optional).some((chosen) =>
    permutations([...required, ...chosen]).some(
      (order) => keepsRealTime(order) && isSequential(order),
    ),
  );
}

function keepsRealTime(order: readonly RegisterOperation[]): boolean {
  return order.every((later, at) =>
    order
      .slice(at + 1)
      .every(({ result, returnUs = Infinity }) => result === "unknown" || returnUs >= later.callUs),
  );
}

function isSequential(order: readonly RegisterOperation[]): boolean {
  let state = registerModel.initial;
  for (const operation of order) {
    const step = registerModel.step(state, operation);
    if (!step.ok) return false;
    ({ state } = step);
  }
  return true;
}

function subsets<T>(of: readonly T[]): T[][] {
  const [first, ...rest] = of;
  if (first === undefined) return [[]];
  const without = subsets(rest);
  return [...without, ...without.map((chosen) => [first, ...chosen])];
}

function permutations<T>(of: readonly T[]): T[][] {
  if (of.length === 0) return [[]];
  return of.flatMap((first, at) =>
    permutations(of.filter((_, other) => other !== at)).map((rest) => [first, ...rest]),
  );
}
