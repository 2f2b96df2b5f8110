/**
 * What a member's program says: a JSON object a line. Other lines are its troubles in words, and
 * are shown if it fails.
 */
import type { PeerFigures } from "./peer.ts";

/** A member's share of the work, of the measured time only. */
export interface MemberFigures {
  readonly acknowledged: number;
  readonly seconds: number;
  readonly cpuMicros: number;
  readonly latenciesUs: readonly number[];
}

export type MemberLine = Readonly<Record<string, unknown>>;

/** Undefined where the line is no JSON object. */
export function parseMemberLine(text: string): MemberLine | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

export function numberOf(line: MemberLine, name: string): number {
  const value = line[name];
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw new Error(`expected a number "${name}", got ${describeLine(line)}`);
}

export function figuresOf(line: MemberLine): MemberFigures {
  const latenciesUs = line["latenciesUs"];
  if (!Array.isArray(latenciesUs) || !latenciesUs.every((value) => typeof value === "number")) {
    throw new Error(`expected a list of numbers "latenciesUs", got ${describeLine(line)}`);
  }
  return {
    acknowledged: numberOf(line, "acknowledged"),
    seconds: numberOf(line, "seconds"),
    cpuMicros: numberOf(line, "cpuMicros"),
    latenciesUs,
  };
}

/** All members measured at the same time: their rates add up. */
export function combineFigures(members: readonly MemberFigures[]): PeerFigures {
  let throughput = 0;
  let acknowledged = 0;
  let cpuMicros = 0;
  for (const member of members) {
    if (member.seconds > 0) throughput += member.acknowledged / member.seconds;
    acknowledged += member.acknowledged;
    cpuMicros += member.cpuMicros;
  }
  return {
    throughput,
    latenciesUs: members.flatMap((member) => member.latenciesUs),
    cpuMicros: acknowledged > 0 ? cpuMicros / acknowledged : undefined,
  };
}

/**
 * Splits a whole number in proportion to weights: what comes of rounding down goes to the heaviest
 * first, and nothing to a weight of 0.
 */
export function divide(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((left, right) => left + right, 0);
  if (sum === 0) throw new Error("nobody leads: there is nobody to give the work to");
  const shares = weights.map((weight) => Math.floor((total * weight) / sum));
  let rest = total - shares.reduce((left, right) => left + right, 0);
  const heaviestFirst = weights
    .map((weight, at) => ({ weight, at }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight);
  for (const { at } of heaviestFirst) {
    if (rest === 0) break;
    shares[at] = (shares[at] ?? 0) + 1;
    rest -= 1;
  }
  return shares;
}

function describeLine(line: MemberLine): string {
  const text = JSON.stringify(line);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
