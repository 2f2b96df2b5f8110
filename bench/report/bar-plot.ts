/** A figure by name: peers, kinds of reads, cases. */
import type { BarChart, Plot } from "./chart.ts";
import { nameInWords } from "./format.ts";
import { followersOf, linesAlong, splitLines, varyingSettings } from "./lines.ts";
import {
  axisOf,
  capital,
  kebab,
  measuresOf,
  referencesFor,
  seriesName,
  subtitleOf,
  titleOf,
} from "./measures.ts";
import type { Measure, Sweep } from "./measures.ts";
import { labelsFor } from "./rows.ts";
import type { Row } from "./rows.ts";

/** Beside peers these are flotilla's alone. */
const ownOptions = ["durability", "shards"];

export function planBars(bench: string, rows: readonly Row[]): Plot[] {
  const seen = new Set<string>();
  return varyingSettings(rows, "string").flatMap((along) => {
    if (seen.has(along)) return [];
    const following = followersOf(rows, along);
    for (const name of following) seen.add(name);
    return measuresOf(bench, rows).flatMap((measure) => {
      const having = rows.filter(({ point }) => measure.names.some((name) => point.figures[name]));
      const lines = linesAlong(having, along, following);
      // What was measured under different loads is not to be read as one thing.
      const charts = bench === "peers" ? lines.map((line) => [line]) : splitLines(lines);
      return charts.flatMap((shown) => planBarChart({ bench, along, lines: shown, measure }));
    });
  });
}

function planBarChart({ bench, along, lines, measure }: Sweep): Plot[] {
  const all = lines.flatMap(({ rows }) => rows);
  const categories = [...new Set(all.map(({ settings }) => String(settings[along])))];
  const labels = labelsFor(lines.map(({ settings }) => settings));
  const series = lines.flatMap(({ rows }, at) =>
    measure.names.map((name) => ({
      name: seriesName(measure, name, labels[at] ?? ""),
      values: categories.map((category) => {
        return rows.find(({ settings }) => settings[along] === category)?.point.figures[name]
          ?.value;
      }),
    })),
  );
  const bars = { categories, series };
  const value = axisOf(measure);
  const chart: BarChart = {
    kind: "bars",
    title: capital(`${titleOf(bench, value.label)} by ${nameInWords(along)}`),
    subtitle: subtitleOf(lines, bench === "peers" ? [along, ...ownOptions] : [along]),
    value,
    emphasized: categories.find((category) => category.startsWith("flotilla")),
    // The order of other names may tell something: before, during, after.
    ...(bench === "peers" ? sortedBars(bars, measure) : bars),
    references: referencesFor(lines, measure).map((line) => ({ ...line, axis: "x" })),
  };
  return [{ id: `${bench}-${kebab(along)}-${kebab(measure.names[0] ?? "")}`, bench, chart }];
}

type Bars = Pick<BarChart, "categories" | "series">;

/** The best on top. */
function sortedBars({ categories, series }: Bars, { better }: Measure): Bars {
  const sign = better === "lower" ? 1 : -1;
  const rank = (row: number): number => {
    const values = series.flatMap(({ values }) => values[row] ?? []);
    return values.length === 0 ? Infinity : sign * Math.max(...values);
  };
  const order = categories.map((_, row) => row).sort((a, b) => rank(a) - rank(b));
  return {
    categories: order.map((row) => categories[row] ?? ""),
    series: series.map(({ name, values }) => ({ name, values: order.map((row) => values[row]) })),
  };
}
