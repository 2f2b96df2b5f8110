/**
 * A block: a run of consecutive entries of one group, proposed together in one term, in the bytes
 * they keep for life.
 *
 *      bytes = entry entry entry …
 *
 * Each entry is a CBOR byte string (RFC 8949 §3.1, major type 2), so the whole is a CBOR sequence
 * (RFC 8742), and the CBOR header is the length prefix.
 *
 * The leader encodes them once; the same bytes are sent to each follower, stored by each replica
 * and walked at apply.
 */
import { assert } from "../base/index.ts";
import type { Index, Term } from "../base/index.ts";

/** What the entries of a block are. Stored and sent; never renumber. */
export const blockKind = { command: 0, noop: 1, config: 2 } as const;
export type BlockKind = (typeof blockKind)[keyof typeof blockKind];

export interface Block {
  /** Index of the first entry. */
  readonly first: Index;
  /** Term of every entry. */
  readonly term: Term;
  readonly kind: BlockKind;
  /** Number of entries, at least 1. */
  readonly count: number;
  /**
   * The leader's wall clock when it closed the block, in ms since 1970: the only time that `apply`
   * may use.
   */
  readonly timeMs: number;
  /** CRC-32C over `bytes`, computed once where the block (or a slice of it) is made. */
  readonly checksum: number;
  readonly bytes: Uint8Array;
}

/**
 * The one place that makes block objects. With one order of fields the engine's hot loops see one
 * shape, whether a block was proposed here, came from a peer or was read back.
 */
export function newBlock({ first, term, kind, count, timeMs, checksum, bytes }: Block): Block {
  return { first, term, kind, count, timeMs, checksum, bytes };
}

/** Computes a block's checksum; injected, since this layer imports nothing native. */
export type Checksum = (bytes: Uint8Array) => number;

export function lastIndexOf(block: Block): Index {
  return block.first + block.count - 1;
}

/** Bytes of the CBOR header of an entry of `length` bytes. */
export function entryHeaderBytes(length: number): number {
  if (length < 24) return 1;
  if (length < 0x100) return 2;
  return length < 0x1_0000 ? 3 : 5;
}

/** Writes the CBOR header of an entry; returns where its bytes begin. */
export function writeEntryHeader(target: Uint8Array, at: number, length: number): number {
  if (length < 24) {
    target[at] = 0x40 | length;
    return at + 1;
  }
  if (length < 0x100) {
    target[at] = 0x58;
    target[at + 1] = length;
    return at + 2;
  }
  if (length < 0x1_0000) {
    target[at] = 0x59;
    target[at + 1] = length >>> 8;
    target[at + 2] = length;
    return at + 3;
  }
  target[at] = 0x5a;
  target[at + 1] = length >>> 24;
  target[at + 2] = length >>> 16;
  target[at + 3] = length >>> 8;
  target[at + 4] = length;
  return at + 5;
}

/**
 * Lays entries one after another. For small counts; the shard's hot path writes into a block of
 * known size itself.
 */
export function encodeEntries(entries: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const entry of entries) size += entryHeaderBytes(entry.length) + entry.length;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const entry of entries) {
    at = writeEntryHeader(bytes, at, entry.length);
    bytes.set(entry, at);
    at += entry.length;
  }
  return bytes;
}

/**
 * Walks the entries of a block: after `next()` returned true, the entry is `bytes[start, end)`.
 * Reused by its owner, so that a walk allocates nothing.
 */
export class EntryCursor {
  start = 0;
  end = 0;
  private bytes: Uint8Array = new Uint8Array(0);

  reset(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.start = 0;
    this.end = 0;
  }

  /** Whether every byte has been walked. */
  get done(): boolean {
    return this.end === this.bytes.length;
  }

  /**
   * Moves to the next entry. False at the end, and on bytes that are not a shortest-form CBOR byte
   * string.
   */
  next(): boolean {
    const { bytes } = this;
    const at = this.end;
    const head = bytes[at];
    if (head === undefined || head < 0x40 || head > 0x5a) return false;
    let length = head & 0x1f;
    let start = at + 1;
    if (length >= 24) {
      if (head === 0x58) {
        length = bytes[at + 1] ?? 0;
        start = at + 2;
        if (length < 24) return false;
      } else if (head === 0x59) {
        length = ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
        start = at + 3;
        if (length < 0x100) return false;
      } else {
        length =
          (bytes[at + 1] ?? 0) * 0x100_0000 +
          (((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0));
        start = at + 5;
        if (length < 0x1_0000) return false;
      }
    }
    const end = start + length;
    if (end > bytes.length) return false;
    this.start = start;
    this.end = end;
    return true;
  }
}

/**
 * Number of entries in `bytes`, or -1 where they are not a sequence of entries to the last byte.
 */
export function countEntries(bytes: Uint8Array): number {
  const cursor = new EntryCursor();
  cursor.reset(bytes);
  let count = 0;
  while (cursor.next()) count += 1;
  return cursor.done ? count : -1;
}

/**
 * The entries of `block` from `from` up to, not including, `to`, as a block of its own over the
 * same memory.
 */
export function sliceBlock(block: Block, from: Index, to: Index, checksum: Checksum): Block {
  const end = block.first + block.count;
  assert(from >= block.first && to <= end && from < to, "slice lies inside its block");
  if (from === block.first && to === end) return block;
  const cursor = new EntryCursor();
  cursor.reset(block.bytes);
  for (let index = block.first; index < from; index += 1) assert(cursor.next(), "entry is whole");
  const start = cursor.end;
  for (let index = from; index < to; index += 1) assert(cursor.next(), "entry is whole");
  const bytes = block.bytes.subarray(start, cursor.end);
  const { term, kind, timeMs } = block;
  const count = to - from;
  return newBlock({ first: from, term, kind, count, timeMs, checksum: checksum(bytes), bytes });
}

/** The entries of a block as views on its bytes. */
export function decodeEntries(block: Block): Uint8Array[] {
  const cursor = new EntryCursor();
  cursor.reset(block.bytes);
  const entries: Uint8Array[] = [];
  while (cursor.next()) entries.push(block.bytes.subarray(cursor.start, cursor.end));
  return entries;
}
