/**
 * A commit record: everything one commit of a shard changed in all its groups, as one value of the
 * store. FORMAT.md shows every byte.
 *
 *      header (28 bytes) │ directory: one flat CBOR array │ payload: the bytes of every block
 *
 * The directory says which bytes of the payload are whose, so that a block is read by slicing, and
 * blocks keep the bytes in which their leader laid them. The record holds its own sequence number:
 * stored under a wrong key it is found out.
 */
import { RaftError, assert, groupIdMax, isGroupId, isNodeId } from "../base/index.ts";
import type { GroupId, Index } from "../base/index.ts";
import { blockKind } from "../raft/index.ts";
import type { Block, BlockKind } from "../raft/index.ts";
import { crc32c, decodeCbor, encodeCbor } from "../wire/index.ts";
import type { Ballot, GroupChange } from "./log-store.ts";

/** Stored on disk: a change of any of these numbers is a new format. */
export const recordFormat = {
  /** "FLR1" as a big-endian u32. */
  magic: 0x464c_5231,
  version: 1,
  headerBytes: 28,
  versionAt: 4,
  checksumAt: 8,
  /** The checksum covers every byte from here on. */
  sequenceAt: 12,
  directoryBytesAt: 20,
  recordBytesAt: 24,
  /** Flag of a group in the directory: term and vote follow. */
  flagBallot: 1,
} as const;

/** Bounds one commit; far above what a round's own limits let through. */
const recordBytesMax = 0x4000_0000;

/** A record's number, counted from 1 without gaps. */
export type Sequence = number;

/** What is known of a block without its bytes. */
export type BlockHeader = Omit<Block, "bytes">;

/** A block as a record's directory tells of it. */
export interface RecordedBlock extends BlockHeader {
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

/**
 * A record whose directory is laid out, so that its size is known before memory is taken for it.
 */
export interface RecordPlan {
  readonly directory: Uint8Array;
  /** Where the payload begins. */
  readonly payloadAt: number;
  /** Size of the whole record. */
  readonly bytes: number;
}

export function planRecord(changes: readonly GroupChange[]): RecordPlan {
  const cells: (number | string | null)[] = [];
  let payloadBytes = 0;
  for (const { group, commit, ballot, blocks } of changes) {
    cells.push(group, ballot === undefined ? 0 : recordFormat.flagBallot, commit);
    if (ballot !== undefined) cells.push(ballot.term, ballot.vote ?? null);
    cells.push(blocks.length);
    for (const block of blocks) {
      cells.push(block.first, block.term, block.kind, block.count);
      cells.push(block.timeMs, block.checksum, block.bytes.length);
      payloadBytes += block.bytes.length;
    }
  }
  const directory = encodeCbor(cells);
  const payloadAt = recordFormat.headerBytes + directory.length;
  const bytes = payloadAt + payloadBytes;
  assert(bytes <= recordBytesMax, `commit record of ${bytes} bytes is within ${recordBytesMax}`);
  return { directory, payloadAt, bytes };
}

/** Writes the planned record over the whole of `target`. */
export function encodeRecord(
  target: Uint8Array,
  sequence: Sequence,
  plan: RecordPlan,
  changes: readonly GroupChange[],
): void {
  assert(target.length === plan.bytes, "target has the size of the record");
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  view.setUint32(0, recordFormat.magic);
  view.setUint32(recordFormat.versionAt, recordFormat.version);
  view.setBigUint64(recordFormat.sequenceAt, BigInt(sequence));
  view.setUint32(recordFormat.directoryBytesAt, plan.directory.length);
  view.setUint32(recordFormat.recordBytesAt, plan.bytes);
  target.set(plan.directory, recordFormat.headerBytes);
  let at = plan.payloadAt;
  for (const change of changes) {
    for (const block of change.blocks) {
      target.set(block.bytes, at);
      at += block.bytes.length;
    }
  }
  assert(at === plan.bytes, "payload has its planned size");
  view.setUint32(recordFormat.checksumAt, crc32c(target.subarray(recordFormat.sequenceAt)));
}

/**
 * Checks a record and reads its directory.
 * @throws ERR_STORE_CORRUPT where anything is not as `encodeRecord` wrote it under this number
 */
export function decodeRecord(bytes: Uint8Array, sequence: Sequence): RecordedChange[] {
  const { headerBytes, magic, version } = recordFormat;
  if (bytes.length < headerBytes) throw corruptRecord(sequence, `has only ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== magic) throw corruptRecord(sequence, "does not begin with its magic");
  const found = view.getUint32(recordFormat.versionAt);
  if (found !== version) throw corruptRecord(sequence, `has version ${found}, not ${version}`);
  const recordBytes = view.getUint32(recordFormat.recordBytesAt);
  if (recordBytes !== bytes.length) {
    throw corruptRecord(sequence, `has ${bytes.length} bytes and says ${recordBytes}`);
  }
  const checksum = view.getUint32(recordFormat.checksumAt);
  const computed = crc32c(bytes.subarray(recordFormat.sequenceAt));
  if (checksum !== computed) {
    throw corruptRecord(sequence, `has checksum ${checksum}, its bytes have ${computed}`);
  }
  const stored = view.getBigUint64(recordFormat.sequenceAt);
  if (stored !== BigInt(sequence)) throw corruptRecord(sequence, `says it is record ${stored}`);
  const payloadAt = headerBytes + view.getUint32(recordFormat.directoryBytesAt);
  if (payloadAt > bytes.length) throw corruptRecord(sequence, "has a directory beyond its end");
  let cells: unknown;
  try {
    cells = decodeCbor(bytes.subarray(headerBytes, payloadAt));
  } catch (cause) {
    throw corruptRecord(sequence, "has a directory that is not CBOR", cause);
  }
  if (!Array.isArray(cells)) throw corruptRecord(sequence, "has a directory that is not an array");
  return new DirectoryReader(sequence, cells).read(payloadAt, bytes.length);
}

export function corruptRecord(sequence: Sequence, reason: string, cause?: unknown): RaftError {
  return new RaftError("ERR_STORE_CORRUPT", `Cannot trust the log: record ${sequence} ${reason}`, {
    cause,
  });
}

export function isBlockKind(value: number): value is BlockKind {
  return value === blockKind.command || value === blockKind.noop || value === blockKind.config;
}

/**
 * Walks the flat array of a directory. The checksum has held, so a fault here is a fault of the
 * writer: named all the same.
 */
class DirectoryReader {
  private readonly sequence: Sequence;
  private readonly cells: readonly unknown[];
  private at = 0;

  constructor(sequence: Sequence, cells: readonly unknown[]) {
    this.sequence = sequence;
    this.cells = cells;
  }

  read(payloadAt: number, recordBytes: number): RecordedChange[] {
    const changes: RecordedChange[] = [];
    let offset = payloadAt;
    while (this.at < this.cells.length) {
      const group = this.integer("group", groupIdMax);
      if (!isGroupId(group)) throw corruptRecord(this.sequence, `names group ${group}`);
      const flags = this.integer("flags", recordFormat.flagBallot);
      const commit = this.integer("commit", Number.MAX_SAFE_INTEGER);
      const ballot = flags === recordFormat.flagBallot ? this.ballot() : undefined;
      const blocks: RecordedBlock[] = [];
      const blockCount = this.integer("block count", this.cells.length);
      for (let i = 0; i < blockCount; i += 1) {
        const block = this.block(offset);
        blocks.push(block);
        offset += block.bytesLength;
      }
      changes.push({ group, commit, ballot, blocks });
    }
    if (offset !== recordBytes) {
      throw corruptRecord(
        this.sequence,
        `has ${recordBytes} bytes, its directory tells of ${offset}`,
      );
    }
    return changes;
  }

  private ballot(): Ballot {
    const term = this.integer("term", Number.MAX_SAFE_INTEGER);
    const vote = this.cells[this.at];
    this.at += 1;
    if (vote === null) return { term, vote: undefined };
    if (!isNodeId(vote))
      throw corruptRecord(this.sequence, `names ${JSON.stringify(vote)} as vote`);
    return { term, vote };
  }

  private block(offset: number): RecordedBlock {
    const first = this.integer("first", Number.MAX_SAFE_INTEGER);
    const term = this.integer("term", Number.MAX_SAFE_INTEGER);
    const kind = this.integer("kind", blockKind.config);
    if (!isBlockKind(kind)) throw corruptRecord(this.sequence, `holds a block of kind ${kind}`);
    const count = this.integer("count", Number.MAX_SAFE_INTEGER);
    const timeMs = this.integer("time", Number.MAX_SAFE_INTEGER);
    const checksum = this.integer("checksum", 0xffff_ffff);
    const bytesLength = this.integer("length", recordBytesMax);
    return { first, term, kind, count, timeMs, checksum, offset, bytesLength };
  }

  private integer(name: string, max: number): number {
    const value = this.cells[this.at];
    this.at += 1;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= max) {
      return value;
    }
    const shown = typeof value === "number" ? String(value) : typeof value;
    throw corruptRecord(this.sequence, `has ${shown} as ${name} at place ${this.at - 1}`);
  }
}
