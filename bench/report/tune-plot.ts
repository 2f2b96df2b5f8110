/** The sweep of `tune`: all that was measured, the settings that nothing beats, and the chosen. */
import type { BenchResult, Point } from "../lib/result.ts";
import type { LineSeries, Plot, Reference } from "./chart.ts";
import { formatShort } from "./format.ts";

/** What `tune` writes beside its points. */
export const tuneRemarks = {
  default: "default",
  front: "front",
  /** The default options under the load of the chosen settings. */
  baseline: "baseline",
  chosen: "chosen",
  /** The chosen settings were not compared with the defaults: time ran out. */
  unproven: "unproven",
} as const;

export function isMarked({ remark = "" }: Point, word: keyof typeof tuneRemarks): boolean {
  return remark.split(/[,;] /).includes(tuneRemarks[word]);
}

export function planTune(result: BenchResult): Plot[] {
  const place = ({ figures }: Point): readonly [number, number] => [
    figures["throughput"]?.value ?? 0,
    figures["p99"]?.value ?? 0,
  ];
  const having = (word: keyof typeof tuneRemarks): Point[] =>
    result.points.filter((point) => isMarked(point, word));
  const front = having("front").map(place);
  const series: LineSeries[] = [
    { name: "measured", points: result.points.map(place), look: "dots", color: 6 },
    { name: "Pareto front", points: front.toSorted(([a], [b]) => a - b), color: 0 },
    { name: "defaults", points: having("default").map(place), look: "star", color: 4 },
    { name: "chosen", points: having("chosen").map(place), look: "star", color: 1 },
  ];
  return [
    {
      id: "tune",
      bench: result.bench,
      chart: {
        kind: "lines",
        title: "Latency and throughput of the settings tried",
        subtitle: "right and down is better",
        x: { label: "throughput", unit: "/s" },
        y: { label: "latency p99", unit: "ms" },
        series: series.filter(({ points }) => points.length > 0),
        references: limitsOf(result),
      },
    },
  ];
}

function limitsOf({ options }: BenchResult): Reference[] {
  const { p99: p99Ms, throughput } = options;
  if (typeof p99Ms === "number") return [{ name: `at most ${p99Ms} ms`, axis: "y", value: p99Ms }];
  if (typeof throughput !== "number") return [];
  const name = `at least ${formatShort(throughput)}/s`;
  return [{ name, axis: "x", value: throughput }];
}
