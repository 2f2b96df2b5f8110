/**
 * The sequential register that puts, gets and compare-and-swaps of one key add up to, and the check
 * of whole histories against it, key by key: a history is linearizable if and only if each key's
 * part of it is (Herlihy and Wing 1990, theorem 1; Horn and Kroening 2015).
 */
import type { GroupId } from "../../base/index.ts";
import type { Interval } from "./event-list.ts";
import { checkLinearizable, stepsMaxDefault } from "./linearizability.ts";
import type { Step } from "./linearizability.ts";
import { shortestFailure } from "./failing-prefix.ts";
import type { FailingPrefix, Unanswerable } from "./failing-prefix.ts";
import { describeOperation, isAnswered, show } from "./operation.ts";
import type { CasOperation, GetOperation, Operation, PutOperation, Value } from "./operation.ts";

/** Operations on the newest state. Local reads promise less: see `reads.ts`. */
export type RegisterOperation = PutOperation | GetOperation | CasOperation;

/** Lines of a violation's description that list operations. */
const listedMax = 12;

export const registerModel: Unanswerable<Value, RegisterOperation> = {
  initial: null,
  step: stepRegister,
  isRead: ({ kind, result }) =>
    kind === "get" || (kind === "cas" && isAnswered(result) && !result.success),
  forget: forgetAnswer,
  equal: (a, b) => a === b,
  hash: hashOf,
};

function stepRegister(state: Value, operation: RegisterOperation): Step<Value> {
  switch (operation.kind) {
    case "put":
      return { ok: true, state: operation.arguments.value };
    case "get": {
      const { result } = operation;
      return { ok: !isAnswered(result) || result.value === state, state };
    }
    case "cas": {
      const { result } = operation;
      const { expected, value } = operation.arguments;
      const success = state === expected;
      const ok = !isAnswered(result) || (result.success === success && result.previous === state);
      return { ok, state: success ? value : state };
    }
  }
}

function forgetAnswer(operation: RegisterOperation): RegisterOperation | undefined {
  if (operation.kind === "get") return undefined;
  return { ...operation, returnUs: undefined, result: "unknown", index: undefined };
}

/** FNV-1a over the code units. */
function hashOf(value: Value): number {
  if (value === null) return 0;
  let hash = 0x811c_9dc5;
  for (let at = 0; at < value.length; at += 1) {
    hash = Math.imul(hash ^ value.charCodeAt(at), 0x0100_0193);
  }
  return hash;
}

export interface KeyViolation extends FailingPrefix<Value, RegisterOperation> {
  readonly group: GroupId;
  readonly key: string;
}

export interface RegisterVerdict {
  /** A key that is undecided makes the whole undecided, unless another one is violated. */
  readonly verdict: "linearizable" | "violation" | "undecided";
  readonly keys: number;
  readonly steps: number;
  readonly violations: readonly KeyViolation[];
  readonly undecided: readonly { readonly group: GroupId; readonly key: string }[];
}

/**
 * Checks puts, gets and compare-and-swaps, whatever else a history holds. Every key must start
 * without a value. `stepsMax` counts for each key.
 */
export function checkRegisters(
  operations: readonly Operation[],
  stepsMax: number = stepsMaxDefault,
): RegisterVerdict {
  const keys = byKey(operations.filter(isOfRegister));
  const violations: KeyViolation[] = [];
  const undecided: { group: GroupId; key: string }[] = [];
  let steps = 0;
  for (const { group, key, of } of keys) {
    const intervals = intervalsOf(of);
    const found = checkLinearizable(registerModel, intervals, stepsMax);
    steps += found.steps;
    if (found.verdict === "violation") {
      const failure = shortestFailure(registerModel, intervals, found, stepsMax);
      violations.push({ ...failure, group, key });
    } else if (found.verdict === "undecided") undecided.push({ group, key });
  }
  const open = undecided.length > 0 ? "undecided" : "linearizable";
  const verdict = violations.length > 0 ? "violation" : open;
  return { verdict, keys: keys.length, steps, violations, undecided };
}

function isOfRegister(operation: Operation): operation is RegisterOperation {
  return operation.kind !== "getLocal";
}

export interface OfKey<Op> {
  readonly group: GroupId;
  readonly key: string;
  readonly of: Op[];
}

export function byKey<Op extends Operation>(operations: readonly Op[]): OfKey<Op>[] {
  const groups = new Map<GroupId, Map<string, OfKey<Op>>>();
  const all: OfKey<Op>[] = [];
  for (const operation of operations) {
    const { group, key } = operation;
    const keys = groups.get(group) ?? new Map<string, OfKey<Op>>();
    groups.set(group, keys);
    const known = keys.get(key);
    if (known !== undefined) known.of.push(operation);
    else {
      const fresh = { group, key, of: [operation] };
      keys.set(key, fresh);
      all.push(fresh);
    }
  }
  return all;
}

/**
 * What one key's search has to look at. Left out is what had no effect, reads without an answer,
 * and unknown writes of a value that nobody saw or compared: an order with such a write in it is
 * still one without it.
 */
function intervalsOf(operations: readonly RegisterOperation[]): Interval<RegisterOperation>[] {
  const seen = new Set(operations.flatMap(valuesSeen));
  return operations.flatMap((operation) => {
    const { kind, result, callUs, returnUs } = operation;
    if (result === "none") return [];
    if (result !== "unknown") return [{ operation, callUs, returnUs }];
    if (kind === "get" || !seen.has(operation.arguments.value)) return [];
    return [{ operation, callUs, returnUs: undefined }];
  });
}

function valuesSeen(operation: RegisterOperation): Value[] {
  switch (operation.kind) {
    case "put":
      return [];
    case "get":
      return isAnswered(operation.result) ? [operation.result.value] : [];
    case "cas": {
      const { expected } = operation.arguments;
      return isAnswered(operation.result) ? [expected, operation.result.previous] : [expected];
    }
  }
}

/** What cannot be explained, in words. */
export function describeViolation(violation: KeyViolation): string {
  const { group, key, culprit, prefix, longest, state } = violation;
  const placed = new Set(longest);
  const left = prefix.filter((operation) => operation !== culprit && !placed.has(operation));
  return [
    `group ${group}, key ${show(key)}: not linearizable after ${prefix.length} operations, with this answer:`,
    `  ${describeOperation(culprit)}`,
    `the longest order that can be explained has ${longest.length} operations and leaves ${show(state)}:`,
    ...listed(longest),
    ...(left.length === 0 ? [] : ["without a place in it:", ...listed(left)]),
  ].join("\n");
}

/** The last few, in order. */
function listed(operations: readonly RegisterOperation[]): string[] {
  const shown = operations.slice(-listedMax).map((one) => `  ${describeOperation(one)}`);
  const hidden = operations.length - shown.length;
  return hidden === 0 ? shown : [`  … ${hidden} before`, ...shown];
}
