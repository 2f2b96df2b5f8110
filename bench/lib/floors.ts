/**
 * What this machine can do at best, measured by the programs of `native-bench`, which are built
 * where they are not there yet. A result is then a share of a floor that was measured in its run.
 */
import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { messageOf } from "../../src/base/index.ts";
import { mergePoints } from "./merge-runs.ts";
import { figure } from "./result.ts";
import type { Figure, Point } from "./result.ts";

const execute = promisify(execFile);

export const floorNames = ["append", "lmdb", "roundTrip", "stream", "crc32c", "memory"] as const;
export type FloorName = (typeof floorNames)[number];

/** Where it was not measured, `points` lacks it and `remark` says why. */
export interface FloorsOutcome {
  readonly points: readonly Point[];
  /** Empty where everything was measured. */
  readonly remark: string;
}

export interface FloorSettings {
  /** Of each point. @default 1 */
  readonly seconds?: number;
  /** Sizes; the program's own where there are none. */
  readonly bytes?: readonly number[];
  /** Processes that do the same side by side; their median counts. @default 1 */
  readonly atOnce?: number;
}

const programs: Readonly<Record<FloorName, string>> = {
  append: "append",
  lmdb: "lmdb-commit",
  roundTrip: "round-trip",
  stream: "stream",
  crc32c: "crc32c",
  memory: "memory",
};

interface FigureSpec {
  readonly name: string;
  readonly unit: string;
  readonly better: Figure["better"];
}

/** The programs' words for their figures, and ours. */
const figureSpecs: Readonly<Record<string, FigureSpec>> = {
  rate: { name: "rate", unit: "/s", better: "higher" },
  mbps: { name: "bandwidth", unit: "MB/s", better: "higher" },
  p50us: { name: "p50", unit: "us", better: "lower" },
  p99us: { name: "p99", unit: "us", better: "lower" },
  cpuus: { name: "cpu", unit: "us", better: "lower" },
};

/** This file runs as dist/bench/lib/floors.js. */
const sourceDir = join(import.meta.dirname, "../../../native-bench");
const buildMs = 120_000;

/** Why the programs cannot be built here, or undefined where they can. */
export function whyNoFloors(): string | undefined {
  for (const tool of ["make", "cc"]) {
    const { error, status } = spawnSync(tool, ["--version"], { stdio: "ignore" });
    if (error !== undefined) return `floors need ${tool}: ${error.message}`;
    if (status !== 0) return `floors need ${tool}: ${tool} --version ended with code ${status}`;
  }
  return undefined;
}

/** Measures floors on the disk of `dir`. Nothing stays there. */
export async function measureFloors(
  dir: string,
  names: readonly FloorName[],
  { seconds = 1, bytes = [], atOnce = 1 }: FloorSettings = {},
): Promise<FloorsOutcome> {
  const obstacle = whyNoFloors();
  if (obstacle !== undefined) return { points: [], remark: obstacle };
  const points: Point[] = [];
  const remarks: string[] = [];
  for (const name of names) {
    try {
      const program = await buildFloor(name);
      const words = [dir, seconds, ...bytes].map(String);
      const runs = Array.from({ length: atOnce }, () => runFloor(program, words));
      points.push(...mergePoints((await Promise.all(runs)).flat()));
    } catch (error) {
      remarks.push(`${name} was not measured: ${reasonOf(error)}`);
    }
  }
  return { points, remark: remarks.join("; ") };
}

/** Builds the program of a floor where it is older than its sources; returns its path. */
async function buildFloor(name: FloorName): Promise<string> {
  const into = join(sourceDir, "build");
  const program = join(into, programs[name]);
  await execute("make", ["-C", sourceDir, `BUILD=${into}`, program], { timeout: buildMs });
  return program;
}

/**
 * A program whose reader is gone ends with its next line: none outlives this process by more than a
 * point.
 */
async function runFloor(program: string, words: readonly string[]): Promise<Point[]> {
  const { stdout } = await execute(program, words);
  return stdout.trimEnd().split("\n").map(parseFloorLine);
}

/** What make, the compiler or a program said last is what its user must know. */
function reasonOf(error: unknown): string {
  const { stderr } = isObject(error) ? error : { stderr: undefined };
  const said = typeof stderr === "string" ? stderr.trim() : "";
  return said === "" ? messageOf(error) : said;
}

/** A line of a program as a point; throws where it is not such a line. */
export function parseFloorLine(line: string): Point {
  const value: unknown = JSON.parse(line);
  if (!isObject(value)) throw lineFault(line, "is not an object");
  const { floor, settings, figures, remark } = value;
  if (typeof floor !== "string") throw lineFault(line, "names no floor");
  if (!isObject(settings)) throw lineFault(line, "has no settings");
  if (!isObject(figures)) throw lineFault(line, "has no figures");
  const read = {
    settings: readSettings(line, floor, settings),
    figures: readFigures(line, figures),
  };
  return typeof remark === "string" ? { ...read, remark } : read;
}

function readSettings(line: string, floor: string, given: object): Point["settings"] {
  const settings: Record<string, string | number> = { floor };
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== "string" && typeof value !== "number") {
      throw lineFault(line, `has a setting ${name} that is neither text nor number`);
    }
    settings[name] = value;
  }
  return settings;
}

function readFigures(line: string, given: object): Point["figures"] {
  const figures: Record<string, Figure> = {};
  for (const [name, value] of Object.entries(given)) {
    const spec = figureSpecs[name];
    if (spec === undefined) throw lineFault(line, `has an unknown figure ${name}`);
    if (typeof value !== "number") throw lineFault(line, `has a figure ${name} that is no number`);
    figures[spec.name] = figure([value], spec.unit, spec.better);
  }
  return figures;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function lineFault(line: string, fault: string): Error {
  return new Error(`a floor's line ${fault}: ${line}`);
}
