/** Names of results in words, as tables show them. */
import type { Point } from "./result.ts";

type Settings = Point["settings"];

/** `cpuPerProposal` as `cpu per proposal`, `readP999` as `read p99.9`. */
export function inWords(name: string): string {
  return name
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .replace(/\bp999\b/, "p99.9");
}

/** `cpu per proposal, µs`. */
export function figureInWords(name: string, unit: string): string {
  return unit === "" ? inWords(name) : `${inWords(name)}, ${unit === "us" ? "µs" : unit}`;
}

/** Settings that are the same in all points need not be said of each. */
export function commonSettings(points: readonly Pick<Point, "settings">[]): Settings {
  const [first, ...others] = points;
  if (first === undefined) return {};
  return Object.fromEntries(
    Object.entries(first.settings).filter(([name, value]) =>
      others.every(({ settings }) => settings[name] === value),
    ),
  );
}

/** All settings but those in `except`: `groups 1000, value bytes 16`. */
export function describeSettings(settings: Settings, except: Settings = {}): string {
  return Object.entries(settings)
    .filter(([name]) => !(name in except))
    .map(([name, value]) => `${inWords(name)} ${value}`)
    .join(", ");
}
