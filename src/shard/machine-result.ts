/** What a state machine returned, which the compiler has not always seen. */
import { isUint8Array } from "node:util/types";
import { RaftError, messageOf } from "../base/index.ts";

/** Why this is no result, or undefined if it is one: bytes, of any realm, or nothing. */
export function resultFault(result: unknown): string | undefined {
  if (result === undefined || result instanceof Uint8Array || isUint8Array(result)) {
    return undefined;
  }
  return promiseFault(result) ?? `${describe(result)} instead of bytes or nothing`;
}

/** Why this is no result, if it is a promise or like one. */
export function promiseFault(result: unknown): string | undefined {
  if (!isThenable(result)) return undefined;
  // Nobody awaits it: its rejection must not end the worker.
  Promise.resolve(result).then(ignore, ignore);
  return "a promise: it must not be async";
}

/** A result that the machine's own layer could not encode, told apart from an exception of it. */
export function isResultError(thrown: unknown): thrown is RaftError {
  return thrown instanceof RaftError && thrown.code === "ERR_RESULT_INVALID";
}

export function resultInvalid(what: string, cause?: unknown): RaftError {
  const why = cause === undefined ? "" : `: ${messageOf(cause)}`;
  return new RaftError("ERR_RESULT_INVALID", `The state machine returned ${what}${why}`, { cause });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null || !("then" in value)) return false;
  return typeof value.then === "function";
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return `a ${typeof value}`;
  return `an object of class ${value.constructor?.name ?? "null"}`;
}

function ignore(): void {
  // What it comes to concerns nobody.
}
