/**
 * What stands in a segment file. FORMAT.md shows every byte.
 *
 *      block 0: header │ frame │ frame │ … │ last frame │ zeros
 *
 * A frame is one transaction. It begins at a block, so that no write touches a block which an
 * acknowledged frame lies in:
 *
 *      head (64 bytes) │ meta entries: one flat CBOR array │ record │ zeros up to the next block
 *
 * Everything is written over zeros, and disks write sectors whole. So a sector of zeros that should
 * hold something was never written: its frame was torn by a power cut. Where every sector has been
 * written and the checksum is wrong, the frame was damaged later. The head says how many sectors
 * hold zeros as they should.
 */
import { RaftError, assert } from "../base/index.ts";
import { crc32c, decodeCbor, encodeCbor } from "../wire/index.ts";
import type { MetaWrite } from "./log-env.ts";
import type { Sequence } from "./record-format.ts";

/** Stored on disk: a change of any of these numbers is a new format. */
export const segmentFormat = {
  /** "FLS1" as a big-endian u32. */
  headerMagic: 0x464c_5331,
  version: 1,
  headerBytes: 32,
  /** "FLF1" as a big-endian u32. */
  frameMagic: 0x464c_4631,
  headBytes: 64,
  /** Frames begin at multiples of it. */
  blockBytes: 4_096,
  /** What a disk writes whole. */
  sectorBytes: 512,
  /** The log goes on in the next segment. */
  flagLast: 1,
} as const;

/** Segments are counted from 1 without gaps. */
export type SegmentNumber = number;

/** Frames are counted from 1 without gaps, through all segments. */
export type FrameNumber = number;

export interface SegmentHeader {
  /** Checksum of the identity as it is stored: the same in all segments of a store. */
  readonly store: number;
  readonly segment: SegmentNumber;
  /** Size of the file. */
  readonly bytes: number;
}

export interface FrameHead {
  readonly store: number;
  /**
   * Counts the openings of the store. What an earlier one left behind the end of its log is known
   * by its lower epoch.
   */
  readonly epoch: number;
  readonly segment: SegmentNumber;
  readonly number: FrameNumber;
  /** Every frame up to this one was durable when this one was written. */
  readonly durableThrough: FrameNumber;
  /** Of the record; 0 where there is none. */
  readonly sequence: Sequence;
  readonly metaBytes: number;
  readonly metaChecksum: number;
  readonly recordBytes: number;
  /** How many of the frame's sectors, up to the one of its last byte, hold only zeros. */
  readonly zeroSectors: number;
  readonly flags: number;
}

/** The content of a frame, laid out, before it has its place in the log. */
export type FrameContent = Pick<
  FrameHead,
  "sequence" | "metaBytes" | "metaChecksum" | "recordBytes" | "zeroSectors" | "flags"
>;

/** Of a frame that says only what its head says. */
export const emptyContent: Omit<FrameContent, "metaChecksum" | "zeroSectors"> = {
  sequence: 0,
  metaBytes: 0,
  recordBytes: 0,
  flags: 0,
};

/** How many bytes a frame of this content takes, with the zeros behind it. */
export function frameBytes({
  metaBytes,
  recordBytes,
}: Pick<FrameHead, "metaBytes" | "recordBytes">): number {
  const { blockBytes, headBytes } = segmentFormat;
  return Math.ceil((headBytes + metaBytes + recordBytes) / blockBytes) * blockBytes;
}

/** The first block of a segment. */
export function encodeSegmentHeader({ store, segment, bytes }: SegmentHeader): Uint8Array {
  const block = new Uint8Array(segmentFormat.blockBytes);
  const view = new DataView(block.buffer);
  view.setUint32(0, segmentFormat.headerMagic);
  view.setUint32(4, segmentFormat.version);
  view.setUint32(12, store);
  view.setBigUint64(16, BigInt(segment));
  view.setBigUint64(24, BigInt(bytes));
  view.setUint32(8, crc32c(block.subarray(12, segmentFormat.headerBytes)));
  return block;
}

/** @throws ERR_STORE_CORRUPT, ERR_DATA_DIR_VERSION */
export function decodeSegmentHeader(bytes: Uint8Array, segment: SegmentNumber): SegmentHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== segmentFormat.headerMagic) {
    throw corruptSegment(segment, "does not begin with its magic");
  }
  const version = view.getUint32(4);
  // Before the checksum: only magic and version are sure to lie at the same place in every format
  // to come.
  if (version > segmentFormat.version) {
    const known = `this program knows ${segmentFormat.version}`;
    const message = `Cannot open the log: segment ${segment} has format ${version}, ${known}`;
    throw new RaftError("ERR_DATA_DIR_VERSION", message);
  }
  if (version !== segmentFormat.version) throw corruptSegment(segment, `has format ${version}`);
  if (view.getUint32(8) !== crc32c(bytes.subarray(12, segmentFormat.headerBytes))) {
    throw corruptSegment(segment, "has a header that does not match its checksum");
  }
  const stored = Number(view.getBigUint64(16));
  if (stored !== segment) throw corruptSegment(segment, `says it is segment ${stored}`);
  return { store: view.getUint32(12), segment, bytes: Number(view.getBigUint64(24)) };
}

/**
 * Lays meta entries and a record into `frame`, which has the size that `frameBytes` tells. The head
 * stays open: `encodeFrameHead` writes it when the frame has its place.
 */
export function layFrame(
  frame: Uint8Array,
  metas: Uint8Array,
  record: Uint8Array,
): Pick<FrameHead, "metaChecksum" | "zeroSectors"> {
  const { headBytes } = segmentFormat;
  frame.set(metas, headBytes);
  frame.set(record, headBytes + metas.length);
  const end = headBytes + metas.length + record.length;
  frame.fill(0, end);
  // The first sector holds the head, whatever stood there before.
  frame.fill(1, 0, headBytes);
  return { metaChecksum: crc32c(metas), zeroSectors: countZeroSectors(frame, end) };
}

/** Sectors of zeros among those that hold the first `end` bytes. */
export function countZeroSectors(frame: Uint8Array, end: number): number {
  const { sectorBytes } = segmentFormat;
  let count = 0;
  for (let from = 0; from < end; from += sectorBytes) {
    if (isZero(frame, from, from + sectorBytes)) count += 1;
  }
  return count;
}

export function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (bytes[at] !== 0) return false;
  return true;
}

export function encodeFrameHead(frame: Uint8Array, head: FrameHead): void {
  assert(frame.length === frameBytes(head), "frame has the size of its content");
  const view = new DataView(frame.buffer, frame.byteOffset, segmentFormat.headBytes);
  view.setUint32(0, segmentFormat.frameMagic);
  view.setUint32(8, head.store);
  view.setUint32(12, head.epoch);
  view.setBigUint64(16, BigInt(head.number));
  view.setBigUint64(24, BigInt(head.durableThrough));
  view.setBigUint64(32, BigInt(head.sequence));
  view.setUint32(40, head.metaBytes);
  view.setUint32(44, head.metaChecksum);
  view.setUint32(48, head.recordBytes);
  view.setUint32(52, head.zeroSectors);
  view.setUint32(56, head.segment);
  view.setUint32(60, head.flags);
  view.setUint32(4, crc32c(frame.subarray(8, segmentFormat.headBytes)));
}

/** The head of a frame as it was written, or undefined where these bytes are none. */
export function decodeFrameHead(bytes: Uint8Array): FrameHead | undefined {
  const { headBytes, frameMagic } = segmentFormat;
  if (bytes.length < headBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, headBytes);
  if (view.getUint32(0) !== frameMagic) return undefined;
  if (view.getUint32(4) !== crc32c(bytes.subarray(8, headBytes))) return undefined;
  return {
    store: view.getUint32(8),
    epoch: view.getUint32(12),
    number: Number(view.getBigUint64(16)),
    durableThrough: Number(view.getBigUint64(24)),
    sequence: Number(view.getBigUint64(32)),
    metaBytes: view.getUint32(40),
    metaChecksum: view.getUint32(44),
    recordBytes: view.getUint32(48),
    zeroSectors: view.getUint32(52),
    segment: view.getUint32(56),
    flags: view.getUint32(60),
  };
}

/** Keys and values in turn; null deletes. */
export function encodeMetas(metas: readonly MetaWrite[]): Uint8Array {
  if (metas.length === 0) return new Uint8Array(0);
  return encodeCbor(metas.flatMap(({ key, value }) => [key, value ?? null]));
}

/** Undefined where the bytes are not what `encodeMetas` made. The entries own their memory. */
export function decodeMetas(bytes: Uint8Array): MetaWrite[] | undefined {
  if (bytes.length === 0) return [];
  let cells: unknown;
  try {
    cells = decodeCbor(bytes);
  } catch {
    return undefined;
  }
  if (!Array.isArray(cells) || cells.length % 2 !== 0) return undefined;
  const metas: MetaWrite[] = [];
  for (let at = 0; at < cells.length; at += 2) {
    const key: unknown = cells[at];
    const value: unknown = cells[at + 1];
    if (!(key instanceof Uint8Array)) return undefined;
    if (value !== null && !(value instanceof Uint8Array)) return undefined;
    const owned = value === null ? undefined : new Uint8Array(value);
    metas.push({ key: new Uint8Array(key), value: owned });
  }
  return metas;
}

export function corruptSegment(segment: SegmentNumber, reason: string, cause?: unknown): RaftError {
  return new RaftError("ERR_STORE_CORRUPT", `Cannot trust the log: segment ${segment} ${reason}`, {
    cause,
  });
}
