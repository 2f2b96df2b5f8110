/**
 * The points of all results as one table: each row knows all that was set, so that the points of
 * several runs can make one line, and what tells two lines apart can be said.
 */
import type { BenchResult, Point } from "../lib/result.ts";
import { bySaying, describeSetting } from "./format.ts";

export type Settings = Readonly<Record<string, string | number>>;

export interface Row {
  readonly result: BenchResult;
  readonly point: Point;
  /** The point's settings, and the options, durability, commit and machine that it shares. */
  readonly settings: Settings;
}

/** Options that say how long and where to measure, not what. */
const runOptions = new Set(["seconds", "warmUp", "repeat", "dir"]);
/** What is said only where it differs. */
const unsaidSettings = new Set(["commit", "cpu", "startedAt", "batch", "calls", "machine"]);

function optionsOf(result: BenchResult): Settings {
  const options: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(result.options)) {
    if (runOptions.has(name)) continue;
    if (typeof value === "string" || typeof value === "number") options[name] = value;
  }
  return options;
}

export function rowsOf(results: readonly BenchResult[]): Row[] {
  return results.flatMap((result) => {
    const { durability, commit, machine, startedAt } = result;
    const run = { commit, cpu: machine.cpu, startedAt };
    const shared = { ...optionsOf(result), ...(durability === "" ? {} : { durability }), ...run };
    return result.points.map((point) => {
      return { result, point, settings: { ...shared, ...point.settings } };
    });
  });
}

/** Settings in which the given ones differ, in the order in which they appear. */
export function differingNames(all: readonly Settings[]): string[] {
  const names = new Set(all.flatMap((settings) => Object.keys(settings)));
  return [...names].filter((name) => new Set(all.map((settings) => settings[name])).size > 1);
}

/** Names for things that are told apart by their settings: no more than is needed for that. */
export function labelsFor(all: readonly Settings[]): string[] {
  const names = differingNames(all);
  const telling = fewestNames(all, names);
  // Who has none of what tells the others apart took what there is without it.
  return all.map((settings) => describe(settings, telling) || (all.length > 1 ? "default" : ""));
}

/** Leaves out the time of a run wherever the rest tells enough. */
function fewestNames(all: readonly Settings[], names: readonly string[]): readonly string[] {
  const kept = names.filter((name) => name !== "startedAt");
  const told = new Set(all.map((settings) => describe(settings, kept)));
  return told.size === all.length ? kept : names;
}

function describe(settings: Settings, names: readonly string[]): string {
  const parts = names.toSorted(bySaying).flatMap((name) => {
    const value = settings[name];
    if (value === undefined || value === "") return [];
    return name === "startedAt" ? shortTime(String(value)) : describeSetting(name, value);
  });
  return parts.join(", ");
}

function shortTime(iso: string): string {
  return iso.slice(0, 19).replace("T", " ");
}

/** What all of them share, for a line below a title. Runs' dates stand elsewhere. */
export function describeShared(all: readonly Settings[], without: readonly string[]): string {
  const first = all[0] ?? {};
  const names = Object.keys(first).filter(
    (name) => !without.includes(name) && !unsaidSettings.has(name),
  );
  const common = names.filter((name) => all.every((settings) => settings[name] === first[name]));
  return describe(first, common);
}
