/**
 * Everything about a simulated world that is drawn from a seed: its size, the engine's options, the
 * temper of its network, disks and clocks. Written as one line, `world key=value …`, so that a
 * script holds it whole; a key that is missing has its calm default.
 */
import { resolveOptions } from "../../base/index.ts";
import type { NodeId, Prng } from "../../base/index.ts";
import type { Durability } from "../../log/index.ts";
import { raftOptionTable } from "../../raft/index.ts";
import { shardOptionTable } from "../../shard/index.ts";
import type { ShardOptions } from "../../shard/index.ts";
import { Line, scriptInvalid } from "./script.ts";

/** Numbers of the world's line, with their calm values. Rates are chances, times in µs. */
export const calm = {
  seed: 1,
  nodes: 3,
  /** Shards of node i: the digit i of this, or its last one. */
  shards: 1,
  delayUs: 200,
  tailRate: 0,
  tailUs: 0,
  lossRate: 0,
  repeatRate: 0,
  flipRate: 0,
  breakRate: 0,
  commitUs: 400,
  commitTailRate: 0,
  commitTailUs: 0,
  writeErrorRate: 0,
  flushErrorRate: 0,
  readErrorRate: 0,
  /** Making a state machine fails. */
  machineErrorRate: 0,
  /** Time that a state machine takes for each entry and query, on its shard's thread. */
  machineUs: 0,
  /** 1: a commit holds up the whole shard, as LMDB does; 0: as a thread of its own would. */
  blocking: 1,
  /** Size of the segments that logs are kept in; 0: they are kept as by LMDB. */
  segmentBytes: 0,
  /** Clocks run up to so many parts in a million fast or slow, each in its own way. */
  driftPpm: 0,
  /** Clocks begin up to this far apart. */
  offsetUs: 0,
  /** After this a process that ended by itself is started again. */
  restartUs: 1_000_000,
  /** After this the others notice that a machine without power is gone. */
  noticeUs: 0,
} as const;

export type WorldNumbers = { readonly [Key in keyof typeof calm]: number };

export interface Settings extends WorldNumbers {
  readonly durability: Durability;
  readonly options: ShardOptions;
}

const optionTable = { ...shardOptionTable, ...raftOptionTable };
const names: readonly NodeId[] = ["a", "b", "c", "d", "e", "f", "g"];

export function nodesOf({ nodes }: WorldNumbers): readonly NodeId[] {
  return names.slice(0, nodes);
}

export function shardsOf({ shards }: WorldNumbers, at: number): number {
  const digits = String(shards);
  return Number(digits[Math.min(at, digits.length - 1)]);
}

export function parseSettings(world: string): Settings {
  const line = new Line(world);
  const options: Record<string, unknown> = {};
  const numbers: Record<string, number> = {};
  for (const key of line.keys) {
    if (key in optionTable) options[key] = asOption(line.text(key) ?? "");
    else if (key in calm) numbers[key] = line.setting(key);
    else if (key !== "durability") throw scriptInvalid(`there is no setting "${key}"`);
  }
  const settings = {
    ...calm,
    ...numbers,
    durability: asDurability(line.text("durability") ?? "strict"),
    options: resolveOptions(optionTable, options),
  };
  if (!(settings.nodes >= 1 && settings.nodes <= names.length)) {
    throw scriptInvalid(`nodes must be 1 to ${names.length}`);
  }
  return settings;
}

/** New values of a world's settings; undefined takes one away. */
export type WorldChanges = Readonly<Record<string, number | string | undefined>>;

/** A world's line with other settings. */
export function changeWorld(world: string, changes: WorldChanges): string {
  const parts = world.split(" ").filter((part) => !((part.split("=")[0] ?? "") in changes));
  for (const [key, value] of Object.entries(changes)) {
    if (value !== undefined) parts.push(`${key}=${value}`);
  }
  return parts.join(" ");
}

function asOption(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function asDurability(text: string): Durability {
  if (text === "strict" || text === "pipelined" || text === "none") return text;
  throw scriptInvalid(`durability must be strict, pipelined or none, not "${text}"`);
}

/**
 * How wild a whole run is: most faults are absent from most runs, so that each is also seen alone.
 */
export class Temper {
  private readonly prng: Prng;
  private readonly share: number;

  constructor(prng: Prng) {
    this.prng = prng;
    this.share = pick(prng, [0, 0.2, 0.5, 0.5, 0.9]);
  }

  has(): boolean {
    return this.prng.chance(this.share);
  }

  /** 0, or one of the rates. */
  rate(rates: readonly number[]): number {
    return this.has() ? pick(this.prng, rates) : 0;
  }
}

export function pick<T>(prng: Prng, values: readonly T[]): T {
  const value = values[prng.between(0, values.length)];
  if (value === undefined) throw new RangeError("nothing to pick from");
  return value;
}

/** The world's line for a seed. */
export function drawWorld(seed: number, prng: Prng): string {
  const temper = new Temper(prng);
  const values = {
    seed,
    nodes: pick(prng, [3, 3, 3, 3, 3, 5, 5, 5, 4, 4, 2, 1]),
    shards: pick(prng, [1, 1, 1, 1, 2, 12, 321]),
    durability: pick(prng, ["strict", "strict", "pipelined"]),
    ...drawWire(prng, temper),
    ...drawDisk(prng, temper),
    driftPpm: temper.rate([100, 10_000, 200_000]),
    offsetUs: temper.rate([1_000_000, 3_600_000_000]),
    restartUs: pick(prng, [200_000, 1_000_000, 5_000_000]),
    noticeUs: temper.rate([100_000, 3_000_000]),
    ...drawOptions(prng, temper),
    segmentBytes: pick(prng, [0, 0, 0, 16_384, 65_536]),
    machineErrorRate: temper.rate([0.05, 0.5]),
    machineUs: temper.rate([200, 3_000]),
  };
  const parts = Object.entries(values)
    .filter(([key, value]) => value !== calmOf(key))
    .map(([key, value]) => `${key}=${value}`);
  return ["world", ...parts].join(" ");
}

function calmOf(key: string): number | string | undefined {
  const known: Partial<Record<string, number>> = calm;
  return key === "durability" ? "strict" : known[key];
}

function drawWire(prng: Prng, temper: Temper): Record<string, number> {
  return {
    delayUs: pick(prng, [20, 200, 200, 2_000, 20_000]),
    tailRate: temper.rate([0.001, 0.02, 0.2]),
    tailUs: pick(prng, [5_000, 100_000, 2_000_000]),
    lossRate: temper.rate([0.001, 0.02, 0.1]),
    repeatRate: temper.rate([0.01, 0.1, 0.3]),
    flipRate: temper.rate([0.001, 0.01]),
    breakRate: temper.rate([0.001, 0.01]),
  };
}

function drawDisk(prng: Prng, temper: Temper): Record<string, number> {
  return {
    commitUs: pick(prng, [20, 400, 400, 5_000, 30_000]),
    commitTailRate: temper.rate([0.001, 0.05]),
    commitTailUs: pick(prng, [20_000, 400_000, 3_000_000]),
    writeErrorRate: temper.rate([0.0005, 0.01]),
    flushErrorRate: temper.rate([0.0005, 0.01]),
    readErrorRate: temper.rate([0.0005, 0.01]),
    blocking: pick(prng, [0, 1]),
  };
}

/** Each option is at its default in most runs and at an extreme in some. */
function drawOptions(prng: Prng, temper: Temper): Record<string, number | string> {
  const drawn: Record<string, number | string> = {
    tickMs: pick(prng, [10, 20, 50, 100]),
    electionTicks: pick(prng, [3, 5, 10, 10]),
    heartbeatTicks: pick(prng, [1, 2]),
    parkTicks: pick(prng, [0, 1, 3, 20]),
  };
  const extremes: Record<string, readonly (number | string)[]> = {
    inflightMessagesMax: [1, 2, 4],
    inflightBytesMax: [1, 1_024],
    appendBytesMax: [1, 64, 1_024],
    uncommittedBytesMax: [1, 100, 2_000],
    tailBytesMax: [0, 50, 1_000],
    blockBytesMax: [1, 40, 1_000],
    openBytesMax: [1, 200],
    applyBytesMax: [1, 64, 1_000],
    shardBytesMax: [16_384, 65_536],
    roundBytesMax: [1_024, 10_000],
    commandBytesMax: [64, 1_024],
    requestsMax: [8, 64],
    applyError: ["disable"],
  };
  for (const [key, values] of Object.entries(extremes)) {
    if (temper.has()) drawn[key] = pick(prng, values);
  }
  return drawn;
}
