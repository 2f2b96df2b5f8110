/** A result as text: where and how it was measured, its table, and how far the runs differ. */
import CliTable from "cli-table3";
import pc from "picocolors";
import { formatNumber } from "./number-format.ts";
import type { BenchResult, Figure, Point } from "./result.ts";
import { commonSettings, describeSettings, figureInWords, inWords } from "./wording.ts";

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
  if (floors.length > 0) lines.push("", "The machine's floor:", pointsTable(floors, {}));
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
