/** Two results of the same benchmark side by side: by how much B differs from A. */
import { settingsKey } from "./merge-runs.ts";
import type { BenchResult, Figure, Point } from "./result.ts";

/**
 * `better` and `worse` where every run of B was so against every run of A; `unclear` where the runs
 * overlap, or where a single run says nothing of their spread; `even` where all runs agree; empty
 * where neither way is better.
 */
export type Verdict = "better" | "worse" | "unclear" | "even" | "";

export interface ComparedFigure {
  readonly name: string;
  readonly unit: string;
  readonly a: number;
  readonly b: number;
  /** B / A, of the medians; NaN where A is 0. */
  readonly ratio: number;
  /** The least and the greatest ratio of any run of B to any run of A. */
  readonly low: number;
  readonly high: number;
  readonly verdict: Verdict;
}

export interface ComparedPoint {
  readonly settings: Point["settings"];
  readonly figures: readonly ComparedFigure[];
}

export interface Comparison {
  readonly points: readonly ComparedPoint[];
  /** Points that stand in one result only. */
  readonly onlyInA: readonly Point[];
  readonly onlyInB: readonly Point[];
  /** What makes the comparison doubtful, in words. */
  readonly doubts: readonly string[];
}

/** @throws where they are results of different benchmarks */
export function compareResults(a: BenchResult, b: BenchResult): Comparison {
  if (a.bench !== b.bench) {
    throw new Error(`A is a result of ${a.bench} and B of ${b.bench}: nothing to compare`);
  }
  const inB = new Map(b.points.map((point) => [settingsKey(point), point]));
  const inA = new Set(a.points.map(settingsKey));
  const points = a.points.flatMap((point) => {
    const other = inB.get(settingsKey(point));
    return other === undefined ? [] : [comparePoints(point, other)];
  });
  return {
    points,
    onlyInA: a.points.filter((point) => !inB.has(settingsKey(point))),
    onlyInB: b.points.filter((point) => !inA.has(settingsKey(point))),
    doubts: doubtsOf(a, b),
  };
}

function comparePoints(a: Point, b: Point): ComparedPoint {
  const figures = Object.entries(a.figures).flatMap(([name, figure]) => {
    const other = b.figures[name];
    return other === undefined ? [] : [compareFigures(name, figure, other)];
  });
  return { settings: a.settings, figures };
}

function compareFigures(name: string, a: Figure, b: Figure): ComparedFigure {
  const low = Math.min(...b.samples) / Math.max(...a.samples);
  const high = Math.max(...b.samples) / Math.min(...a.samples);
  return {
    name,
    unit: a.unit,
    a: a.value,
    b: b.value,
    ratio: b.value / a.value,
    low,
    high,
    verdict: verdictOf(a, b, { low, high }),
  };
}

function verdictOf(
  a: Figure,
  b: Figure,
  { low, high }: { readonly low: number; readonly high: number },
): Verdict {
  if (a.better === "neither") return "";
  const all = [...a.samples, ...b.samples];
  if (all.every((sample) => sample === all[0])) return "even";
  if (a.samples.length < 2 || b.samples.length < 2) return "unclear";
  if (low > 1) return a.better === "higher" ? "better" : "worse";
  if (high < 1) return a.better === "lower" ? "better" : "worse";
  return "unclear";
}

function doubtsOf(a: BenchResult, b: BenchResult): string[] {
  const doubts: string[] = [];
  for (const name of ["cpu", "cores", "memoryBytes", "system", "node", "disk"] as const) {
    const [inA, inB] = [a.machine[name], b.machine[name]];
    if (inA !== inB) doubts.push(`measured on different machines: ${name} ${inA}, ${inB}`);
  }
  for (const name of new Set([...Object.keys(a.options), ...Object.keys(b.options)])) {
    const [inA, inB] = [a, b].map(({ options }) => JSON.stringify(options[name]));
    if (inA !== inB && !["dir", "repeat"].includes(name)) {
      doubts.push(`run with different options: ${name} ${inA}, ${inB}`);
    }
  }
  return doubts;
}
