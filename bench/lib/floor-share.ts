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

const nothing: FloorsOutcome = { points: [], remark: "" };
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
  const { points, remark } = await measure(["append"], { bytes }, run);
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
  /** The same where as many commit at once as there are nodes, on the disk that they share. */
  readonly sharedMs: number | undefined;
  readonly remark: string;
}

/** A loopback round trip and an LMDB commit of one small record, from C, at their medians. */
export async function latencyFloor(
  { durability, nodes }: Pick<ClusterSettings, "durability" | "nodes">,
  run: BenchRun,
): Promise<LatencyFloor> {
  const mode = { strict: "strict", pipelined: "noMetaSync", none: undefined }[durability];
  const bytes = 1_024;
  const trip = nodes > 1 ? await measure(["roundTrip"], { bytes }, run) : nothing;
  const alone = mode === undefined ? nothing : await measure(["lmdb"], { bytes }, run);
  const shared =
    mode === undefined ? nothing : await measure(["lmdb"], { bytes, atOnce: nodes }, run);
  // The floor is of this durability: the other mode's would only be mistaken for it.
  const ofMode = (points: readonly Point[]): Point[] =>
    points.filter(({ settings }) => settings["mode"] === mode);
  const sides = ofMode(shared.points).map((point) => {
    return { ...point, settings: { ...point.settings, atOnce: nodes } };
  });
  const floors = [...trip.points, ...ofMode(alone.points)];
  const known = [trip, alone, shared].every(({ remark }) => remark === "");
  return {
    floors: nodes > 1 ? [...floors, ...sides] : floors,
    ms: known ? sumOfMedians(floors) : undefined,
    sharedMs: known && nodes > 1 ? sumOfMedians([...trip.points, ...sides]) : undefined,
    remark: trip.remark || alone.remark || shared.remark,
  };
}

function sumOfMedians(floors: readonly Point[]): number | undefined {
  if (floors.length === 0) return undefined;
  return floors.reduce((ms, { figures }) => ms + (figures["p50"]?.value ?? 0) / 1_000, 0);
}

async function measure(
  names: readonly FloorName[],
  { bytes, atOnce = 1 }: { readonly bytes: number; readonly atOnce?: number },
  { dir, progress, signal }: BenchRun,
): Promise<FloorsOutcome> {
  const side = atOnce === 1 ? "" : `, ${atOnce} side by side`;
  progress.phase(`the machine's floor: ${names.join(", ")} of ${bytes} B${side}`);
  const outcome = await measureFloors(dir, names, {
    seconds: floorSeconds,
    bytes: [bytes],
    atOnce,
  });
  signal.throwIfAborted();
  return outcome;
}

/** The nearest power of two, so that runs that differ a little share a floor; at least a page. */
function roundSize(bytes: number): number {
  return Math.max(pageBytes, 2 ** Math.round(Math.log2(bytes)));
}
