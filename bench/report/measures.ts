/** What a plot shows of its points, and how that is called. */
import type { Figure } from "../lib/result.ts";
import { nameInWords } from "./format.ts";
import type { Axis, Reference } from "./chart.ts";
import type { Line } from "./lines.ts";
import type { Row } from "./rows.ts";
import { describeShared } from "./rows.ts";

/** Figures that belong into one plot: one unit, one direction. */
export interface Measure {
  readonly names: readonly string[];
  readonly unit: string;
  readonly better: Figure["better"];
}

/** What makes the plots of a benchmark whose other figures stand in its table only. */
const mainFigures: Readonly<Record<string, readonly string[]>> = {
  throughput: ["throughput"],
  latency: ["p50", "p99"],
  peers: ["throughput", "p50", "p99"],
  native: ["bandwidth", "p50"],
  // Its cases have little in common but their unit.
  micro: [],
};
/** A floor further from what was measured than this would only squeeze the plot. */
const referenceRatioMax = 50;

export interface Sweep {
  readonly bench: string;
  readonly along: string;
  readonly lines: readonly Line[];
  readonly measure: Measure;
}

/** Every figure that can be better or worse, together with those of its unit. */
export function measuresOf(bench: string, rows: readonly Row[]): Measure[] {
  const byUnit = new Map<string, Measure>();
  for (const { point } of rows) {
    for (const [name, figure] of Object.entries(point.figures)) {
      if (!isPlotted(bench, name, figure)) continue;
      const { unit, better } = figure;
      const names = byUnit.get(`${unit} ${better}`)?.names ?? [];
      byUnit.set(`${unit} ${better}`, { names: [...new Set([...names, name])], unit, better });
    }
  }
  return [...byUnit.values()];
}

function isPlotted(bench: string, name: string, { unit, better }: Figure): boolean {
  const chosen = mainFigures[bench];
  if (chosen !== undefined) return chosen.includes(name);
  // Of a distribution two places are enough, and counts and ratios make no plot.
  return (
    better !== "neither" && unit !== "" && unit !== "x" && !/p90$|p999$|^max$|[a-z]Max$/i.test(name)
  );
}

export function seriesName(measure: Measure, figure: string, label: string): string {
  const own = measure.names.length > 1 || label === "" ? nameInWords(figure) : "";
  return [own, label].filter((text) => text !== "").join(", ");
}

/** What figures of a unit are called together. */
const kinds: Readonly<Record<string, string>> = { "/s": "rate", ms: "time", us: "time", B: "size" };

export function axisOf({ names, unit }: Measure): Axis {
  if (names.every((name) => /p\d+$|latency/i.test(name))) return { label: "latency", unit };
  const known = names.length > 1 ? kinds[unit] : undefined;
  return { label: known ?? names.map(nameInWords).join(", "), unit };
}

/** Says whose figure it is, where the figure's name does not. */
export function titleOf(bench: string, figure: string): string {
  return bench.includes(figure) ? figure : `${bench.replaceAll("-", " ")}: ${figure}`;
}

export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

export function kebab(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
}

export function suffixOf(bench: string, { names }: Measure): string {
  return mainFigures[bench]?.length !== 1 ? `-${kebab(names[0] ?? "")}` : "";
}

export function subtitleOf(lines: readonly Line[], without: readonly string[]): string {
  return describeShared(
    lines.map(({ settings }) => settings),
    without,
  );
}

/** How many of the first are one of the second. */
const unitFactors: Readonly<Record<string, number>> = { "us ms": 0.001, "ms us": 1_000 };

/**
 * The floors that are measured in the same figure, each at its best point, where they are near
 * enough to be seen.
 */
export function referencesFor(lines: readonly Line[], measure: Measure): Reference[] {
  const rows = lines.flatMap((line) => line.rows);
  const [figure = ""] = measure.names;
  const shown = rows.flatMap(({ point }) => point.figures[figure]?.value ?? []);
  const [lowest, highest] = [Math.min(...shown), Math.max(...shown)];
  const best = new Map<string, number>();
  for (const { settings, figures } of new Set(rows.flatMap(({ result }) => result.floors))) {
    const { value, unit, better } = figures[figure] ?? { value: 0, unit: "", better: "neither" };
    const factor = unit === measure.unit ? 1 : (unitFactors[`${unit} ${measure.unit}`] ?? 0);
    const floor = nameInWords(String(settings["floor"] ?? ""));
    const known = best.get(floor) ?? value * factor;
    const choose = better === "higher" ? Math.max : Math.min;
    if (value * factor > 0) best.set(floor, choose(known, value * factor));
  }
  return [...best]
    .filter(([, value]) => {
      return value < highest * referenceRatioMax && value > lowest / referenceRatioMax;
    })
    .map(([floor, value]) => {
      return { name: `floor: ${floor} (${nameInWords(figure)})`, axis: "y", value };
    });
}
