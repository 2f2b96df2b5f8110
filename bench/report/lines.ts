/** Finds in a table of points the lines and bars that a plot can show. */
import type { Row, Settings } from "./rows.ts";
import { differingNames } from "./rows.ts";

/** Rows that differ in one setting, and all that they share. */
export interface Line {
  readonly settings: Settings;
  readonly rows: readonly Row[];
}

/** More in one plot cannot be told apart. */
const linesMax = 7;

function without(settings: Settings, names: readonly string[]): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !names.includes(name)));
}

function keyOf(settings: Settings): string {
  return JSON.stringify(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function groupBy(rows: readonly Row[], dropped: readonly string[]): Line[] {
  const lines = new Map<string, { settings: Settings; rows: Row[] }>();
  for (const row of rows) {
    const settings = without(row.settings, dropped);
    const key = keyOf(settings);
    const line = lines.get(key);
    if (line === undefined) lines.set(key, { settings, rows: [row] });
    else line.rows.push(row);
  }
  return [...lines.values()];
}

/**
 * Lines along a setting. Points of several runs come together where all else is equal, unless a
 * place was measured by more than one of them: then each run has its own line.
 */
export function linesAlong(
  rows: readonly Row[],
  along: string,
  following: readonly string[] = [],
): Line[] {
  const having = rows.filter(({ settings }) => settings[along] !== undefined);
  const dropped = [along, ...following];
  const lines = groupBy(having, [...dropped, "startedAt"]).flatMap((line) => {
    return distinct(line.rows, along) === line.rows.length ? [line] : groupBy(line.rows, dropped);
  });
  return lines.filter((line) => distinct(line.rows, along) > 1).map((line) => sorted(line, along));
}

function distinct(rows: readonly Row[], along: string): number {
  return new Set(rows.map(({ settings }) => settings[along])).size;
}

/** By number; what is called by a word (`one` at a time) comes before, in the order of the points. */
function sorted(line: Line, along: string): Line {
  const place = ({ settings }: Row): number => {
    const value = settings[along];
    return typeof value === "number" ? value : -Number.MAX_VALUE;
  };
  return { ...line, rows: line.rows.toSorted((a, b) => place(a) - place(b)) };
}

/**
 * Settings that follow from `along`: a peer's version from its name. They tell nothing apart that
 * it does not.
 */
export function followersOf(rows: readonly Row[], along: string): string[] {
  const names = differingNames(rows.map(({ settings }) => settings));
  return names.filter((name) => {
    const values = new Map<string | number | undefined, string | number | undefined>();
    return (
      name !== along &&
      rows.every(({ settings }) => {
        const known = values.has(settings[along]) ? values.get(settings[along]) : settings[name];
        values.set(settings[along], known);
        return known === settings[name];
      })
    );
  });
}

/** Settings of points (not of runs) that vary, by the kind of their values. */
export function varyingSettings(rows: readonly Row[], kind: "number" | "string"): string[] {
  const own = new Set(rows.flatMap(({ point }) => Object.keys(point.settings)));
  const shared = differingNames(rows.map(({ settings }) => settings));
  return shared.filter((name) => {
    const values = rows.flatMap(({ settings }) => settings[name] ?? []);
    // A sweep made of several runs differs in what each of them took as an option.
    return (kind === "number" || own.has(name)) && values.every((value) => typeof value === kind);
  });
}

/** Spreads lines over as many plots as they need, by a setting that tells them apart. */
export function splitLines(lines: readonly Line[]): (readonly Line[])[] {
  if (lines.length <= linesMax) return lines.length === 0 ? [] : [lines];
  const all = lines.map(({ settings }) => settings);
  const sharesBy = (name: string): (readonly Line[])[] => {
    const values = [...new Set(all.map((settings) => settings[name]))];
    return values.map((value) => lines.filter(({ settings }) => settings[name] === value));
  };
  const largest = (shares: readonly (readonly Line[])[]): number =>
    Math.max(...shares.map(({ length }) => length));
  const [first, ...others] = differingNames(all).map(sharesBy);
  if (first === undefined) return [lines.slice(0, linesMax), ...splitLines(lines.slice(linesMax))];
  // The fewest plots that will do; where none will, those that leave the least to be split again.
  const best = others.reduce((chosen, shares) => {
    const [before, now] = [chosen, shares].map((each) => Math.max(linesMax, largest(each)));
    if (before !== now) return (now ?? 0) < (before ?? 0) ? shares : chosen;
    return shares.length < chosen.length ? shares : chosen;
  }, first);
  return best.flatMap(splitLines);
}
