/** Latency against throughput: what waiting buys. */
import type { Point } from "../lib/result.ts";
import type { LineChart, LineSeries, Plot } from "./chart.ts";
import { linesAlong, splitLines } from "./lines.ts";
import { referencesFor, subtitleOf } from "./measures.ts";
import { labelsFor } from "./rows.ts";
import type { Row } from "./rows.ts";

/** The setting that carries the load, along which latency is held against throughput. */
export const loadSettings: Readonly<Record<string, string>> = {
  latency: "rate",
  throughput: "outstanding",
};
const latencies = ["p50", "p99"];

/** An open loop asks for a rate, and sees how much of it comes about. */
function throughputOf({ figures }: Point): number | undefined {
  return (figures["throughput"] ?? figures["achieved"])?.value;
}

export function planLoad(bench: string, rows: readonly Row[]): Plot[] {
  const along = loadSettings[bench];
  if (along === undefined) return [];
  const having = rows.filter(({ point }) => {
    return throughputOf(point) !== undefined && point.figures["p50"] !== undefined;
  });
  const unit = unitOf(having, "p50");
  return splitLines(linesAlong(having, along)).map((lines) => {
    const labels = labelsFor(lines.map(({ settings }) => settings));
    const series = lines.flatMap(({ rows: ordered }, color) =>
      latencies.map((name, at): LineSeries => {
        const points = ordered.flatMap(({ point }): (readonly [number, number])[] => {
          const x = throughputOf(point);
          const y = point.figures[name]?.value;
          return x === undefined || y === undefined ? [] : [[x, y]];
        });
        const label = [name, labels[color] ?? ""].filter((text) => text !== "").join(", ");
        return { name: label, points, look: at === 0 ? "line" : "dashed", color };
      }),
    );
    const chart: LineChart = {
      kind: "lines",
      title: "Latency against throughput",
      subtitle: subtitleOf(lines, [along]),
      x: { label: "throughput", unit: "/s" },
      y: { label: "latency", unit },
      series: series.filter(({ points }) => points.length > 0),
      references: referencesFor(lines, { names: latencies, unit, better: "lower" }),
    };
    return { id: `${bench}-load`, bench, chart };
  });
}

function unitOf(rows: readonly Row[], figure: string): string {
  return rows.find(({ point }) => point.figures[figure])?.point.figures[figure]?.unit ?? "";
}
