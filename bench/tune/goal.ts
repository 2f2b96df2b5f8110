/** What a user asks of `tune`: a limit on one of latency and throughput, and the best of the other. */
import { UsageError } from "../../src/cli/index.ts";

export type Goal =
  | { readonly kind: "p99"; readonly atMostMs: number }
  | { readonly kind: "throughput"; readonly atLeast: number };

/**
 * The goal that the options of a run name, as it was called or as its result tells.
 * @throws UsageError if they name none or two
 */
export function goalFrom({ p99, throughput }: Readonly<Record<string, unknown>>): Goal {
  if (typeof p99 === "number" && throughput === undefined) return { kind: "p99", atMostMs: p99 };
  if (typeof throughput === "number" && p99 === undefined) {
    return { kind: "throughput", atLeast: throughput };
  }
  throw new UsageError(
    "tune needs either --p99, as --p99 5ms, or --throughput, as --throughput 200k",
  );
}

/** What a trial came to. */
export interface Outcome {
  /** Proposals a second. */
  readonly throughput: number;
  readonly p99Ms: number;
}

const msOfUnit: Readonly<Record<string, number>> = { us: 0.001, µs: 0.001, ms: 1, s: 1_000 };
const factorOfLetter: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6 };

/**
 * `5ms`, `800us`, `1.5s` in milliseconds.
 * @throws Error that says how it must be written.
 */
export function parseLatency(text: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?) ?(us|µs|ms|s)$/.exec(text.trim()) ?? [];
  const ms = Number(number) * (msOfUnit[unit] ?? 0);
  if (ms > 0) return ms;
  throw new Error(`must be a time above 0 with its unit, as 5ms, 800us or 1s; got ${text}`);
}

/**
 * `200k`, `1.5M`, `200000`, with or without `/s` after it.
 * @throws Error that says how it must be written.
 */
export function parseThroughput(text: string): number {
  const [, number = "", letter = ""] =
    /^(\d+(?:\.\d+)?)([kKmM]?)(?:\/s)?$/.exec(text.trim().replace(/[,_]/g, "")) ?? [];
  const perSecond = Number(number) * (factorOfLetter[letter.toLowerCase()] ?? 0);
  if (perSecond > 0) return perSecond;
  throw new Error(`must be proposals a second above 0, as 200k, 1.5M or 200000; got ${text}`);
}

export function meetsGoal(goal: Goal, { throughput, p99Ms }: Outcome): boolean {
  return goal.kind === "p99" ? p99Ms <= goal.atMostMs : throughput >= goal.atLeast;
}

/** What the goal limits, and what it wants the best of; both so that more is better. */
function sidesOf(goal: Goal, { throughput, p99Ms }: Outcome): { limited: number; wanted: number } {
  return goal.kind === "p99"
    ? { limited: 1 / p99Ms, wanted: throughput }
    : { limited: throughput, wanted: 1 / p99Ms };
}

/**
 * How many times as good the first is as the second: within the limit beats without, within it
 * counts what is wanted, without it what is limited.
 */
export function ratioFor(goal: Goal, first: Outcome, second: Outcome): number {
  const [firstMeets, secondMeets] = [meetsGoal(goal, first), meetsGoal(goal, second)];
  if (firstMeets !== secondMeets) return firstMeets ? Infinity : 0;
  const [one, other] = [sidesOf(goal, first), sidesOf(goal, second)];
  return firstMeets ? one.wanted / other.wanted : one.limited / other.limited;
}

export function describeGoal(goal: Goal): string {
  const wanted = goal.kind === "p99" ? "the most throughput" : "the least p99";
  return `${wanted} with ${describeLimit(goal)}`;
}

export function describeLimit(goal: Goal): string {
  return goal.kind === "p99"
    ? `a p99 of at most ${goal.atMostMs} ms`
    : `at least ${goal.atLeast.toLocaleString("en")} proposals/s`;
}
