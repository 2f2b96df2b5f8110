/**
 * The directory of a commit record: one flat CBOR array that says which bytes of the payload are
 * whose. FORMAT.md shows it. It is written and read here by hand, number by number, since the index
 * in memory holds where a group's blocks begin in it: a block is found without decoding what other
 * groups have in the record.
 */
import { assert, groupIdMax, isNodeId } from "../base/index.ts";
import type { GroupId, Index, RaftError } from "../base/index.ts";
import { blockKind } from "../raft/index.ts";
import type { Block, BlockKind } from "../raft/index.ts";
import type { Ballot, GroupChange } from "./log-store.ts";
import { corruptRecord, recordFormat } from "./record-format.ts";
import type { Sequence } from "./record-format.ts";

/** What is known of a block without its bytes. */
export type BlockHeader = Omit<Block, "bytes">;

/** A block as a record's directory tells of it. */
export interface RecordedBlock extends BlockHeader {
  /** Where its numbers begin in the record. */
  readonly headerAt: number;
  /** Where its bytes begin in the record. */
  readonly offset: number;
  readonly bytesLength: number;
}

/** A group's part of a record. */
export interface RecordedChange {
  readonly group: GroupId;
  readonly commit: Index;
  readonly ballot: Ballot | undefined;
  readonly blocks: readonly RecordedBlock[];
}

/** Cells of a group without ballot and blocks, of a ballot, of a block. */
const changeCells = 4;
const ballotCells = 2;
const blockCells = 7;

const heads = { u8: 0x18, u16: 0x19, u32: 0x1a, u64: 0x1b, null: 0xf6, float64: 0xfb } as const;
const majors = { text: 0x60, array: 0x80 } as const;
const u32Max = 0xffff_ffff;

/** Cells of the whole directory. */
export function countCells(changes: readonly GroupChange[]): number {
  let cells = 0;
  for (const { ballot, blocks } of changes) {
    cells += changeCells + (ballot === undefined ? 0 : ballotCells) + blockCells * blocks.length;
  }
  return cells;
}

/** Bytes of an integer, or of the head of an array or a text of so many items. */
export function integerBytes(value: number): number {
  if (value < 24) return 1;
  if (value < 0x100) return 2;
  if (value < 0x1_0000) return 3;
  return value <= u32Max ? 5 : 9;
}

/** Bytes of a group's part in front of its blocks. */
export function changeBytes({ group, commit, ballot, blocks }: GroupChange): number {
  const bytes = integerBytes(group) + 1 + integerBytes(commit) + integerBytes(blocks.length);
  if (ballot === undefined) return bytes;
  const { term, vote } = ballot;
  const voteBytes = vote === undefined ? 1 : integerBytes(vote.length) + vote.length;
  return bytes + integerBytes(term) + voteBytes;
}

/** Bytes of a block's part. */
export function blockBytes({ first, term, count, timeMs, checksum, bytes }: Block): number {
  return (
    1 +
    integerBytes(first) +
    integerBytes(term) +
    integerBytes(count) +
    integerBytes(timeMs) +
    integerBytes(checksum) +
    integerBytes(bytes.length)
  );
}

/** For the numbers of eight bytes: a view of each record would cost more than reading a block. */
const eight = new DataView(new ArrayBuffer(8));

/** Writes a directory into a record. */
export class DirectoryWriter {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  write(changes: readonly GroupChange[]): void {
    this.head(majors.array, countCells(changes));
    for (const { group, commit, ballot, blocks } of changes) {
      this.head(0, group);
      this.head(0, ballot === undefined ? 0 : recordFormat.flagBallot);
      this.head(0, commit);
      if (ballot !== undefined) this.ballot(ballot);
      this.head(0, blocks.length);
      for (const { first, term, kind, count, timeMs, checksum, bytes } of blocks) {
        this.head(0, first);
        this.head(0, term);
        this.head(0, kind);
        this.head(0, count);
        this.head(0, timeMs);
        this.head(0, checksum);
        this.head(0, bytes.length);
      }
    }
  }

  private ballot({ term, vote }: Ballot): void {
    this.head(0, term);
    if (vote === undefined) {
      this.bytes[this.at] = heads.null;
      this.at += 1;
      return;
    }
    this.head(majors.text, vote.length);
    // A node id is ASCII.
    for (let i = 0; i < vote.length; i += 1) this.bytes[this.at + i] = vote.charCodeAt(i);
    this.at += vote.length;
  }

  /** An integer, where `major` is 0. One beyond 32 bits is a float64, as cbor-x writes it. */
  private head(major: number, value: number): void {
    const { at, bytes, view } = this;
    if (value < 24) {
      bytes[at] = major | value;
      this.at = at + 1;
    } else if (value < 0x100) {
      bytes[at] = major | heads.u8;
      bytes[at + 1] = value;
      this.at = at + 2;
    } else if (value < 0x1_0000) {
      bytes[at] = major | heads.u16;
      view.setUint16(at + 1, value);
      this.at = at + 3;
    } else if (value <= u32Max) {
      bytes[at] = major | heads.u32;
      view.setUint32(at + 1, value);
      this.at = at + 5;
    } else {
      assert(major === 0, "an array or text has at most 2^32-1 items");
      bytes[at] = heads.float64;
      view.setFloat64(at + 1, value);
      this.at = at + 9;
    }
  }
}

/**
 * Reads a directory, or a group's part of it. In a record whose checksum has held a fault is a
 * fault of the writer; in one that was read again it is damage. Both are named.
 */
export class DirectoryReader {
  private readonly sequence: Sequence;
  private readonly bytes: Uint8Array;
  private readonly end: number;
  private at: number;

  /** @param end where the payload begins */
  constructor(sequence: Sequence, record: Uint8Array, at: number, end: number) {
    this.sequence = sequence;
    this.bytes = record;
    this.at = at;
    this.end = end;
  }

  /** The whole directory. */
  read(): RecordedChange[] {
    const { end, bytes } = this;
    const cells = this.argument(majors.array);
    if (cells === undefined) throw this.fault("has a directory that is not a CBOR array");
    const changes: RecordedChange[] = [];
    let offset = end;
    let read = 0;
    while (read < cells) {
      const group = this.integer("group", groupIdMax);
      const flags = this.integer("flags", recordFormat.flagBallot);
      const commit = this.integer("commit", Number.MAX_SAFE_INTEGER);
      const ballot = flags === recordFormat.flagBallot ? this.ballot() : undefined;
      const blocks: RecordedBlock[] = [];
      const blockCount = this.integer("block count", cells);
      for (let i = 0; i < blockCount; i += 1) {
        const block = this.block(offset);
        blocks.push(block);
        offset += block.bytesLength;
      }
      changes.push({ group, commit, ballot, blocks });
      read += changeCells + (ballot === undefined ? 0 : ballotCells) + blockCells * blockCount;
    }
    if (read !== cells || this.at !== end) {
      throw this.fault(`has a directory of ${cells} cells that does not end with its last group`);
    }
    if (offset !== bytes.length) {
      throw this.fault(`has ${bytes.length} bytes, its directory tells of ${offset}`);
    }
    return changes;
  }

  /** The block whose numbers come next, and whose bytes lie at `offset`. */
  block(offset: number): RecordedBlock {
    const headerAt = this.at;
    const first = this.integer("first", Number.MAX_SAFE_INTEGER);
    const term = this.integer("term", Number.MAX_SAFE_INTEGER);
    const kind = this.integer("kind", blockKind.config);
    if (!isBlockKind(kind)) throw this.fault(`holds a block of kind ${kind}`);
    const count = this.integer("count", Number.MAX_SAFE_INTEGER);
    const timeMs = this.integer("time", Number.MAX_SAFE_INTEGER);
    const checksum = this.integer("checksum", u32Max);
    const bytesLength = this.integer("length", this.bytes.length);
    return { first, term, kind, count, timeMs, checksum, headerAt, offset, bytesLength };
  }

  private ballot(): Ballot {
    const term = this.integer("term", Number.MAX_SAFE_INTEGER);
    if (this.at < this.end && this.bytes[this.at] === heads.null) {
      this.at += 1;
      return { term, vote: undefined };
    }
    const length = this.argument(majors.text);
    if (length === undefined || length > this.end - this.at) {
      throw this.fault(`names no node as vote at byte ${this.at}`);
    }
    const vote = String.fromCharCode(...this.bytes.subarray(this.at, this.at + length));
    if (!isNodeId(vote)) throw this.fault(`names ${JSON.stringify(vote)} as vote`);
    this.at += length;
    return { term, vote };
  }

  private integer(name: string, max: number): number {
    const from = this.at;
    const value = this.argument(0);
    if (value !== undefined && value <= max) return value;
    throw this.fault(`has ${value ?? "no integer"} as ${name} at byte ${from}`);
  }

  /** What follows a head of this major type; undefined if it is another, or cut off. */
  private argument(major: number): number | undefined {
    const { at, bytes } = this;
    const head = (bytes[at] ?? heads.null) ^ major;
    const width = argumentBytes(head, major);
    if (width < 0 || at + 1 + width > this.end) return undefined;
    this.at = at + 1 + width;
    if (width === 0) return head;
    if (width === 1) return bytes[at + 1];
    if (width === 2) return (bytes[at + 1] ?? 0) * 0x100 + (bytes[at + 2] ?? 0);
    if (width === 4) return readU32(bytes, at + 1);
    eight.setUint32(0, readU32(bytes, at + 1));
    eight.setUint32(4, readU32(bytes, at + 5));
    const value = head === heads.u64 ? Number(eight.getBigUint64(0)) : eight.getFloat64(0);
    return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  }

  private fault(reason: string): RaftError {
    return corruptRecord(this.sequence, reason);
  }
}

function readU32(bytes: Uint8Array, at: number): number {
  const high = (bytes[at] ?? 0) * 0x100_0000;
  return high + (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
}

/** Bytes of the argument behind a head without its major type; -1 if it is none of an integer. */
function argumentBytes(head: number, major: number): number {
  if (head < 24) return 0;
  if (head === heads.u8) return 1;
  if (head === heads.u16) return 2;
  if (head === heads.u32) return 4;
  if (major !== 0) return -1;
  return head === heads.u64 || head === heads.float64 ? 8 : -1;
}

function isBlockKind(value: number): value is BlockKind {
  return value === blockKind.command || value === blockKind.noop || value === blockKind.config;
}
