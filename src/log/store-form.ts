/** The two forms of store. Either one refuses a directory that holds the other. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { RaftError } from "../base/index.ts";
import type { SegmentNumber } from "./segment-format.ts";

export const dataFile = "data.mdb";
export const lockFile = "lock.mdb";
const segmentFile = /^(\d{10})\.seg$/;

/** Numbers of the segments in a directory, ascending. */
export function segmentsIn(dir: string): SegmentNumber[] {
  if (!existsSync(dir)) return [];
  const numbers = readdirSync(dir).flatMap((name) => segmentFile.exec(name)?.[1] ?? []);
  return numbers.map(Number).sort((a, b) => a - b);
}

export function segmentFileOf(segment: SegmentNumber): string {
  return `${String(segment).padStart(10, "0")}.seg`;
}

/** Whether a directory holds a store of either form, or what is left of one. */
export function holdsStore(dir: string): boolean {
  return holdsLmdb(dir) || segmentsIn(dir).length > 0;
}

/** @throws ERR_DATA_DIR_FOREIGN where the directory holds segments */
export function refuseSegments(dir: string): void {
  if (segmentsIn(dir).length > 0) throw otherForm(dir, "segments", "lmdb");
}

/** @throws ERR_DATA_DIR_FOREIGN where the directory holds an LMDB file, or had one in use */
export function refuseLmdb(dir: string): void {
  if (holdsLmdb(dir)) throw otherForm(dir, "lmdb", "segments");
}

function holdsLmdb(dir: string): boolean {
  return [dataFile, lockFile].some((name) => existsSync(join(dir, name)));
}

function otherForm(dir: string, found: string, asked: string): RaftError {
  const message = `Cannot open the log: ${dir} holds a store of the form ${found}, not ${asked}`;
  return new RaftError("ERR_DATA_DIR_FOREIGN", message);
}
