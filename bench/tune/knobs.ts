/** What `tune` turns: the load, and the options of the engine that batching hangs on. */
import { availableParallelism } from "node:os";
import { engineOptionTable } from "../../src/index.ts";
import type { EngineTuning } from "../../src/index.ts";
import type { Knob } from "./search.ts";

type Turned =
  | "durability"
  | "shards"
  | "blockBytesMax"
  | "appendBytesMax"
  | "inflightMessagesMax"
  | "applyBytesMax"
  | "youngHeapMb";

/** `outstanding` is the load's, in proposals over all nodes; the others are options of the engine. */
export interface TuneSettings extends Pick<EngineTuning, Turned> {
  readonly outstanding: number;
}

const outstandingDefault = 16_384;
const sizes = [4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

/** Shards take a core each; more than there are cores are not tried. */
export function defaultSettings(cores: number = availableParallelism()): TuneSettings {
  const table = engineOptionTable;
  return {
    outstanding: outstandingDefault,
    durability: table.durability.default,
    shards: Math.max(1, cores - 1),
    blockBytesMax: table.blockBytesMax.default,
    appendBytesMax: table.appendBytesMax.default,
    inflightMessagesMax: table.inflightMessagesMax.default,
    applyBytesMax: table.applyBytesMax.default,
    youngHeapMb: table.youngHeapMb.default,
  };
}

/** Those that matter most come first, so that they are tried even where time is short. */
export function tuneKnobs(cores: number = availableParallelism()): Knob<TuneSettings>[] {
  const shards = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64].filter((count) => count <= cores);
  return [
    knob("outstanding", loads(131_072)),
    // `none` is left out: nobody who may lose everything needs this engine.
    knob("durability", ["strict", "pipelined"]),
    knob("shards", withDefault(shards, Math.max(1, cores - 1))),
    knob("inflightMessagesMax", [1, 2, 4, 8, 16, 32, 64, 128, 256]),
    knob("blockBytesMax", sizes),
    knob("appendBytesMax", sizes),
    knob("applyBytesMax", [...sizes, 16_777_216]),
    knob("youngHeapMb", [16, 32, 64, 128, 256, 512]),
  ];
}

function knob<Name extends keyof TuneSettings>(
  name: Name,
  values: readonly TuneSettings[Name][],
): Knob<TuneSettings> {
  return {
    name,
    count: values.length,
    placeOf: (settings) => values.indexOf(settings[name]),
    turn: (settings, place) => ({ ...settings, [name]: values[place] ?? settings[name] }),
  };
}

/** 1, 2, 3, 4, 6, 8, 12, 16, …: a limit on latency asks for finer steps than powers of two. */
function loads(max: number): number[] {
  const values = [1];
  for (let power = 2; power <= max; power *= 2) {
    values.push(power);
    if (power * 1.5 <= max) values.push(power * 1.5);
  }
  return values;
}

function withDefault(values: readonly number[], value: number): number[] {
  return [...new Set([...values, value])].sort((a, b) => a - b);
}

/** In the order in which they are tried. */
export const knobNames: readonly string[] = tuneKnobs().map(({ name }) => name);

/**
 * What to hand to `Engine.open`: the mode and the shards, since they are decisions, and what
 * differs from the defaults.
 */
export function describeOptions(settings: Readonly<Record<string, string | number>>): string {
  const table: Readonly<Record<string, { readonly default: unknown }>> = engineOptionTable;
  const lines = knobNames.flatMap((name) => {
    const value = settings[name];
    const decided = name === "durability" || name === "shards";
    const told = Object.hasOwn(table, name) && (decided || table[name]?.default !== value);
    return told && value !== undefined ? [`  ${name}: ${literal(value)},`] : [];
  });
  return ["{", ...lines, "}"].join("\n");
}

function literal(value: string | number): string {
  return typeof value === "string"
    ? JSON.stringify(value)
    : value.toLocaleString("en").replaceAll(",", "_");
}
