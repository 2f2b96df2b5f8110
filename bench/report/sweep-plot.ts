/** A figure against one setting that was varied. */
import type { LineChart, LineSeries, Plot } from "./chart.ts";
import { isBytes, nameInWords } from "./format.ts";
import { linesAlong, splitLines, varyingSettings } from "./lines.ts";
import { loadSettings } from "./load-plot.ts";
import {
  axisOf,
  capital,
  kebab,
  measuresOf,
  referencesFor,
  seriesName,
  subtitleOf,
  suffixOf,
  titleOf,
} from "./measures.ts";
import type { Sweep } from "./measures.ts";
import { labelsFor } from "./rows.ts";
import type { Row } from "./rows.ts";

export function planSweeps(bench: string, rows: readonly Row[]): Plot[] {
  // There it is the names that matter.
  if (bench === "peers") return [];
  const settings = varyingSettings(rows, "number").filter((name) => {
    return bench !== "latency" || name !== loadSettings[bench];
  });
  return settings.flatMap((along) =>
    measuresOf(bench, rows).flatMap((measure) => {
      const having = rows.filter(({ point }) => measure.names.some((name) => point.figures[name]));
      return splitLines(linesAlong(having, along)).flatMap((lines) =>
        planSweep({ bench, along, lines, measure }),
      );
    }),
  );
}

function planSweep({ bench, along, lines, measure }: Sweep): Plot[] {
  const labels = labelsFor(lines.map(({ settings }) => settings));
  const series = lines.flatMap(({ rows }, at) =>
    measure.names.map((name): LineSeries => {
      const points = rows.flatMap(({ point, settings }): (readonly [number, number])[] => {
        const figure = point.figures[name];
        return figure === undefined ? [] : [[Number(settings[along]), figure.value]];
      });
      return { name: seriesName(measure, name, labels[at] ?? ""), points };
    }),
  );
  const known = series.filter(({ points }) => points.length > 1);
  if (known.length === 0) return [];
  const y = axisOf(measure);
  const chart: LineChart = {
    kind: "lines",
    title: `${capital(`${titleOf(bench, y.label)}`)} against ${nameInWords(along)}`,
    subtitle: subtitleOf(lines, [along]),
    x: { label: nameInWords(along), unit: "", bytes: isBytes(along) },
    y,
    series: known,
    references: referencesFor(lines, measure),
  };
  return [{ id: `${bench}-${kebab(along)}${suffixOf(bench, measure)}`, bench, chart }];
}
