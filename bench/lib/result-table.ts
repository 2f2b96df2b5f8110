/** A result as text: where and how it was measured, its table, and how far the runs differ. */
import { stripVTControlCharacters } from "node:util";
import CliTable from "cli-table3";
import pc from "picocolors";
import { formatNumber } from "./number-format.ts";
import type { BenchResult, Figure, Point } from "./result.ts";
import { commonSettings, describeSettings, figureInWords, inWords } from "./wording.ts";

/** Of a table, in columns of a terminal; a wider one becomes several, each with the settings. */
const widthMax = 120;
/** Floors that differ by more than this share of their median say little. */
const floorSpreadMax = 1 / 3;

export function describeResult(result: BenchResult): string {
  const { machine, points, floors, options, durability } = result;
  const runs = Number(options["repeat"] ?? 1);
  const known = points.some(({ settings }) => "durability" in settings);
  const lines = [
    `${result.bench} at ${result.commit.slice(0, 12)}${changed(result)}, ${result.startedAt}, ${formatNumber(result.seconds)} s`,
    `${machine.cpu}, ${machine.cores} cores, ${formatNumber(machine.memoryBytes / 2 ** 30)} GiB; ` +
      `${machine.system}; Node ${machine.node}; ${machine.disk}`,
    ...(durability === "" || known ? [] : [`durability ${durability}`]),
  ];
  const common = commonSettings(points);
  if (Object.keys(common).length > 0) lines.push(describeSettings(common));
  if (floors.length > 0) {
    lines.push("", "The machine's floor:", pointsTable(floors, {}), ...floorNote(floors));
  }
  lines.push("", pointsTable(points, common));
  const samplesMax = Math.max(0, ...points.flatMap(sampleCounts));
  const of = samplesMax > runs ? "several samples" : `${runs} runs`;
  if (samplesMax > 1) lines.push(pc.dim(`Medians of ${of}; ± is half of what they differ by.`));
  for (const { settings, remark } of points) {
    if (remark === undefined) continue;
    const where = describeSettings(settings, common);
    lines.push(pc.yellow(where === "" ? remark : `${where}: ${remark}`));
  }
  return lines.join("\n");
}

function sampleCounts({ figures }: Point): number[] {
  return Object.values(figures).map(({ samples }) => samples.length);
}

function changed({ commit }: BenchResult): string {
  return commit.endsWith(" with changes") ? " with changes" : "";
}

/** Rows are points where there are several, figures where there is one. */
function pointsTable(points: readonly Point[], common: Readonly<Record<string, unknown>>): string {
  const settings = namesOf(points.map((point) => point.settings)).filter(
    (name) => !(name in common),
  );
  const figures = namesOf(points.map((point) => point.figures));
  const [only, ...others] = points;
  if (only !== undefined && others.length === 0) {
    const style = { head: [], border: [], compact: true };
    const table = new CliTable({ style, colAligns: ["left", "right"] });
    for (const name of settings) table.push([inWords(name), String(only.settings[name] ?? "")]);
    for (const name of figures) table.push([heading(name, points), cell(only.figures[name])]);
    return table.toString();
  }
  return narrowTables(settings, figures, points).join("\n");
}

/** As many figures side by side as fit. */
function narrowTables(
  settings: readonly string[],
  figures: readonly string[],
  points: readonly Point[],
): string[] {
  let shown = figures.length;
  let table = tableOf(settings, figures, points);
  while (shown > 1 && widthOf(table) > widthMax) {
    shown -= 1;
    table = tableOf(settings, figures.slice(0, shown), points);
  }
  if (shown === figures.length) return [table];
  return [table, ...narrowTables(settings, figures.slice(shown), points)];
}

function widthOf(table: string): number {
  return stripVTControlCharacters(table.slice(0, table.indexOf("\n"))).length;
}

function tableOf(
  settings: readonly string[],
  figures: readonly string[],
  points: readonly Point[],
): string {
  const table = new CliTable({
    head: [...settings.map(inWords), ...figures.map((name) => heading(name, points))].map(narrow),
    style: { head: [], border: [], compact: true },
    colAligns: [...settings, ...figures].map(() => "right"),
  });
  for (const point of points) {
    table.push([
      ...settings.map((name) => settingCell(point.settings[name])),
      ...figures.map((name) => cell(point.figures[name])),
    ]);
  }
  return table.toString();
}

/** A machine whose floor moves between runs was not quiet: shares of it are rough. */
function floorNote(floors: readonly Point[]): string[] {
  const spreads = floors.flatMap(({ figures }) =>
    Object.entries(figures).map(([name, { value, samples }]) =>
      // A p99 of half a second is few samples, and no share is taken of it.
      value === 0 || name === "p99"
        ? 0
        : (Math.max(...samples) - Math.min(...samples)) / Math.abs(value),
    ),
  );
  const spread = Math.max(0, ...spreads);
  if (spread <= floorSpreadMax) return [];
  const percent = (spread * 100).toFixed(0);
  return [
    pc.yellow(
      `The floors differ by up to ${percent} % between runs: the machine was not quiet, and shares of a floor are rough.`,
    ),
  ];
}

function namesOf(records: readonly Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))];
}

function heading(name: string, points: readonly Point[]): string {
  const unit = points.find(({ figures }) => figures[name] !== undefined)?.figures[name]?.unit ?? "";
  return figureInWords(name, unit);
}

/** A word a line, since there are many columns. */
function narrow(head: string): string {
  return head.replaceAll(" ", "\n");
}

function settingCell(value: string | number | undefined): string {
  return typeof value === "number" ? value.toLocaleString("en") : (value ?? "");
}

function cell(shown: Figure | undefined): string {
  if (shown === undefined) return "";
  const { value, samples } = shown;
  const text = formatNumber(value);
  if (samples.length < 2 || value === 0) return text;
  const spread = (Math.max(...samples) - Math.min(...samples)) / 2;
  return `${text} ±${((spread / Math.abs(value)) * 100).toFixed(0)} %`;
}
