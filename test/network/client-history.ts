/**
 * What clients asked and were told, as a history for the checkers of `src/testing/history`. A
 * refused compare-and-set tells only the log index of the write that it met; which value that was is
 * known when others have seen it, so the history is put together at the end.
 */
import {
  checkIndexes,
  checkLocalReads,
  checkRegisters,
  describeFinding,
  describeViolation,
} from "../../src/testing/history/index.ts";
import type { Operation, Unanswered, Value } from "../../src/testing/history/index.ts";
import type { StoreAnswer, StoreRequest } from "../integration/fixtures/node-protocol.ts";

/** The newest write to a key that a client knows of. */
export interface KnownWrite {
  readonly revision: number;
  readonly value: Value;
}

export interface Exchange {
  readonly client: number;
  readonly node: string;
  /** How often the node had been started. */
  readonly life: number;
  readonly group: number;
  readonly key: string;
  readonly callUs: number;
  readonly returnUs: number;
  readonly request: StoreRequest;
  /** What the key was to hold for a compare-and-set. */
  readonly expected: Value;
  readonly answer: StoreAnswer | Unanswered;
}

/** Exchanges whose answer names a value that nobody has seen are left out: they were refusals. */
export function historyOf(exchanges: readonly Exchange[]): Operation[] {
  const values = new Map<string, Value>();
  for (const { group, key, answer } of exchanges) {
    if (typeof answer === "string" || answer.value === undefined) continue;
    values.set(`${group} ${key} ${answer.revision}`, answer.value);
  }
  return exchanges.flatMap((exchange) => {
    const { group, key, answer } = exchange;
    if (typeof answer === "string") return [operationOf(exchange, null)];
    const { revision } = answer;
    const present = revision === 0 ? null : values.get(`${group} ${key} ${revision}`);
    return present === undefined ? [] : [operationOf(exchange, present)];
  });
}

/** `present`: what the key held when the answer was made. */
function operationOf(exchange: Exchange, present: Value): Operation {
  const { client, group, key, callUs, returnUs, request, expected, answer } = exchange;
  const told = typeof answer !== "string";
  const base = { client, group, key, callUs, returnUs, ...(told && { index: answer.index }) };
  switch (request.kind) {
    case "put": {
      const arguments_ = { value: request.value };
      return { ...base, kind: "put", arguments: arguments_, result: told ? "done" : answer };
    }
    case "cas": {
      const arguments_ = { expected, value: request.value };
      if (!told) return { ...base, kind: "cas", arguments: arguments_, result: answer };
      const result = { success: answer.ok, previous: answer.ok ? expected : present };
      return { ...base, kind: "cas", arguments: arguments_, result };
    }
    case "get":
      return { ...base, kind: "get", arguments: {}, result: told ? { value: present } : answer };
    case "getLocal": {
      const place = { node: exchange.node, life: exchange.life };
      const result = told ? { value: present } : answer;
      return { ...base, kind: "getLocal", arguments: place, result };
    }
  }
}

export interface Judgement {
  /** What contradicts linearizability, or what local reads promise, as text. */
  readonly contradictions: readonly string[];
  /** Keys whose history was too long to search; their indexes were checked all the same. */
  readonly undecided: number;
}

export function judge(history: readonly Operation[]): Judgement {
  const findings = [...checkIndexes(history), ...checkLocalReads(history)];
  const { violations, undecided } = checkRegisters(history);
  return {
    contradictions: [...findings.map(describeFinding), ...violations.map(describeViolation)],
    undecided: undecided.length,
  };
}
