/** Figures as shares of what the machine can do at best, measured in the same run. */
import type { Command } from "commander";
import type { ClusterSettings } from "./cluster/cluster-settings.ts";
import type { LoadWindow } from "./cluster/load-window.ts";
import type { BenchRun } from "./command.ts";
import { measureFloors } from "./floors.ts";
import type { FloorName, FloorsOutcome } from "./floors.ts";
import type { Figures } from "./load-figures.ts";
import { figure } from "./result.ts";
import type { Point } from "./result.ts";

const floorSeconds = 0.5;
const pageBytes = 4_096;

export function addFloorsOption(command: Command): void {
  command.option("--no-floors", "do not measure what the machine can do at best");
}

export interface FloorShare {
  readonly floors: readonly Point[];
  readonly figures: Figures;
  /** Why there is none; empty where there is. */
  readonly remark: string;
}

const none: FloorShare = { floors: [], figures: {}, remark: "" };

/**
 * What all nodes wrote together, against writing as much at a time and flushing it from C:
 * `write` + `fdatasync` over bytes that the file has already. All nodes share the one disk.
 */
export async function writeShare(
  { used, seconds }: LoadWindow,
  { durability }: Pick<ClusterSettings, "durability">,
  run: BenchRun,
): Promise<FloorShare> {
  if (durability === "none" || used.commits === 0) return none;
  const bytes = roundSize(used.bytesWritten / used.commits);
  const { points, remark } = await measure(["append"], bytes, run);
  const floor = points.find(({ settings }) => settings["mode"] === "preallocated");
  const bandwidth = floor?.figures["bandwidth"]?.value;
  if (bandwidth === undefined) return { ...none, remark };
  const written = used.bytesWritten / 1e6 / seconds;
  const share = figure([(100 * written) / bandwidth], "%", "higher");
  return { floors: points, figures: { writtenOfFloor: share }, remark };
}

/** What one proposal must wait for at the least: a message there and back, and a commit. */
export interface LatencyFloor {
  readonly floors: readonly Point[];
  /** Undefined where it could not be measured. */
  readonly ms: number | undefined;
  readonly remark: string;
}

/** A loopback round trip and an LMDB commit of one small record, from C, at their medians. */
export async function latencyFloor(
  { durability, nodes }: Pick<ClusterSettings, "durability" | "nodes">,
  run: BenchRun,
): Promise<LatencyFloor> {
  const mode = { strict: "strict", pipelined: "noMetaSync", none: undefined }[durability];
  const names: FloorName[] = [];
  if (mode !== undefined) names.push("lmdb");
  if (nodes > 1) names.push("roundTrip");
  if (names.length === 0) return { floors: [], ms: undefined, remark: "" };
  const { points, remark } = await measure(names, 1_024, run);
  // The floor is of this durability: the other mode's would only be mistaken for it.
  const floors = points.filter(({ settings }) => (settings["mode"] ?? mode) === mode);
  const parts = floors.flatMap(({ figures }) => figures["p50"]?.value ?? []);
  const us = parts.reduce((sum, value) => sum + value, 0);
  return { floors, ms: parts.length === names.length ? us / 1_000 : undefined, remark };
}

async function measure(
  names: readonly FloorName[],
  bytes: number,
  { dir, progress, signal }: BenchRun,
): Promise<FloorsOutcome> {
  progress.phase(`the machine's floor: ${names.join(", ")} of ${bytes} B`);
  const outcome = await measureFloors(dir, names, floorSeconds, [bytes]);
  signal.throwIfAborted();
  return outcome;
}

/** The nearest power of two, so that runs that differ a little share a floor; at least a page. */
function roundSize(bytes: number): number {
  return Math.max(pageBytes, 2 ** Math.round(Math.log2(bytes)));
}
