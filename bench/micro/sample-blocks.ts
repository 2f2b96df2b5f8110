/** Blocks as a round lays them, for the cases to work on. */
import { blockKind, encodeEntries, newBlock } from "../../src/raft/index.ts";
import type { Block } from "../../src/raft/index.ts";
import { crc32c } from "../../src/wire/index.ts";

export interface BlockShape {
  readonly entries: number;
  readonly entryBytes: number;
}

const sampleTimeMs = 1_760_000_000_000;

export function sampleEntries({ entries, entryBytes }: BlockShape): Uint8Array[] {
  return Array.from({ length: entries }, (_, at) => new Uint8Array(entryBytes).fill(at));
}

export function sampleBlock(shape: BlockShape, first = 1, term = 1): Block {
  const bytes = encodeEntries(sampleEntries(shape));
  const checksum = crc32c(bytes);
  const { entries: count } = shape;
  const kind = blockKind.command;
  return newBlock({ first, term, kind, count, timeMs: sampleTimeMs, checksum, bytes });
}
