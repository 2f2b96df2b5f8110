/** Numbers and names as a reader wants them. */
import { inWords } from "../lib/wording.ts";

const scales: readonly (readonly [number, string])[] = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** Three digits that count: `1.2M`, `250k`, `12.5`, `0.041`. */
export function formatShort(value: number): string {
  for (const [scale, letter] of scales) {
    // What rounds up to the next scale belongs there: 999,950 is 1M, not 1000k.
    if (Math.abs(value) >= scale * 0.9995) return `${trim(value / scale)}${letter}`;
  }
  return trim(value);
}

function trim(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return String(Number(value.toFixed(Math.min(digits, 9))));
}

const sizes: readonly (readonly [number, string])[] = [
  [1_073_741_824, "GiB"],
  [1_048_576, "MiB"],
  [1_024, "KiB"],
];

export function formatBytes(bytes: number): string {
  for (const [size, unit] of sizes) {
    if (bytes >= size) return `${trim(bytes / size)} ${unit}`;
  }
  return `${trim(bytes)} B`;
}

/** Whether a setting counts bytes. */
export function isBytes(setting: string): boolean {
  return /bytes(?:Max)?$/i.test(setting);
}

export function formatSetting(name: string, value: string | number): string {
  if (typeof value === "string") return value;
  return isBytes(name) ? formatBytes(value) : value.toLocaleString("en");
}

/**
 * How a setting is called in a list of settings, those that matter most first; others are named
 * before their value.
 */
const phrases: Readonly<Record<string, (value: string, one: boolean) => string>> = {
  peer: (value) => value,
  groups: (value, one) => `${value} ${one ? "group" : "groups"}`,
  valueBytes: (value) => `${value} values`,
  outstanding: (value) => `${value} outstanding`,
  rate: (value) => (value === "one" ? "one at a time" : `${value}/s offered`),
  durability: (value) => value,
  shards: (value, one) => `${value} ${one ? "shard" : "shards"}`,
  nodes: (value, one) => `${value} ${one ? "node" : "nodes"}`,
  machine: (value) => `${value} machine`,
  calls: (value) => `${value} calls`,
  batch: (value) => `at most ${value} a call`,
};
const phraseOrder = Object.keys(phrases);

/** In the order in which settings are said. */
export function bySaying(a: string, b: string): number {
  const place = (name: string): number => {
    const found = phraseOrder.indexOf(name);
    return found === -1 ? phraseOrder.length : found;
  };
  return place(a) - place(b);
}

/** A setting and its value: `1,000 groups`, `16 B values`, `strict`. */
export function describeSetting(name: string, value: string | number): string {
  const text = formatSetting(name, value);
  const phrase = phrases[name];
  if (phrase !== undefined) return phrase(text, value === 1);
  return typeof value === "string" ? text : `${nameInWords(name)} ${text}`;
}

const knownWords: Readonly<Record<string, string>> = {
  valueBytes: "value size",
  outstanding: "outstanding proposals",
  bytes: "size",
};

/** A name of the results in words: `cpuPerProposal` becomes `CPU per proposal`. */
export function nameInWords(name: string): string {
  return knownWords[name] ?? inWords(name).replace(/\bcpu\b/g, "CPU");
}

export function unitInWords(unit: string): string {
  return unit === "us" ? "µs" : unit;
}
