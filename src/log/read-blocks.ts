import type { Index } from "../base/index.ts";
import { newBlock, sliceBlock } from "../raft/index.ts";
import type { Block } from "../raft/index.ts";
import { crc32c } from "../wire/index.ts";
import { checkOf } from "./group-index.ts";
import type { GroupIndex, IndexedRow } from "./group-index.ts";
import { DirectoryReader } from "./record-directory.ts";
import type { RecordedBlock } from "./record-directory.ts";
import { corruptRecord } from "./record-format.ts";
import type { Sequence } from "./record-format.ts";

/**
 * Records that one read looks into. Entries of a quiet group lie far apart, each in a record that
 * may be a hundred times their size. Groups that catch up side by side, a few records each in turn,
 * find them in memory; one that read all of its own at once would drive out what the next group
 * needs.
 */
const recordsAtOnce = 8;

export interface ReadLimits {
  /** Of blocks; one block may have more. */
  readonly bytes: number;
  /** Records that stay in memory once they have been read. */
  readonly records: number;
}

/** Gives a record's bytes, valid until the next call. */
export type FetchRecord = (sequence: Sequence) => Uint8Array;

/**
 * `LogStore.read` over an index. The blocks own their memory, so that one kept block does not pin
 * its whole record.
 */
export function readBlocks(
  index: GroupIndex,
  from: Index,
  limits: ReadLimits,
  fetch: FetchRecord,
): Block[] {
  const taken = new TakenBlocks(from, limits.bytes);
  const recordsMax = Math.min(recordsAtOnce, limits.records);
  const firstRow = index.rowOf(from);
  if (firstRow === -1) return taken.blocks;
  const { rowCount } = index;
  let records = 0;
  let sequence = 0;
  for (let at = firstRow; at < rowCount; at += 1) {
    const row = index.row(at);
    if (row.sequence !== sequence) {
      if (records === recordsMax || !taken.expectsMore) break;
      records += 1;
      sequence = row.sequence;
    }
    if (!takeRow(row, fetch(sequence), taken)) break;
  }
  return taken.blocks;
}

/** What one read has found so far. */
class TakenBlocks {
  readonly blocks: Block[] = [];
  readonly from: Index;
  private readonly bytesMax: number;
  private bytes = 0;

  constructor(from: Index, bytesMax: number) {
    this.from = from;
    this.bytesMax = bytesMax;
  }

  /**
   * Whether blocks like the last one still fit. A record is not read for one that would not: what
   * is asked for is mostly a share among many groups, and each has about one block in a record.
   */
  get expectsMore(): boolean {
    return this.takes(this.blocks.at(-1)?.bytes.length ?? 0);
  }

  takes(bytes: number): boolean {
    return this.blocks.length === 0 || this.bytes + bytes <= this.bytesMax;
  }

  /** Returns whether more may follow. */
  take(block: Block): boolean {
    if (!this.takes(block.bytes.length)) return false;
    // `slice` would share memory if the record is a Buffer.
    this.blocks.push(newBlock({ ...block, bytes: new Uint8Array(block.bytes) }));
    this.bytes += block.bytes.length;
    return this.bytes < this.bytesMax;
  }
}

/** Returns whether blocks of the next row may follow. */
function takeRow(row: IndexedRow, record: Uint8Array, taken: TakenBlocks): boolean {
  const { sequence, end } = row;
  const { from } = taken;
  for (const header of headersOf(row, record)) {
    const { first, count, bytesLength } = header;
    if (first >= end) break;
    const blockEnd = first + count;
    if (blockEnd <= from) continue;
    const whole = first >= from && blockEnd <= end;
    if (whole && !taken.takes(bytesLength)) return false;
    const block = storedBlock(sequence, header, record);
    const part = sliceBlock(block, Math.max(from, first), Math.min(end, blockEnd), crc32c);
    if (!taken.take(part)) return false;
  }
  return true;
}

/** The blocks of a row as its record's directory has them now. */
function headersOf(row: IndexedRow, record: Uint8Array): RecordedBlock[] {
  const { sequence, first, term, blocks } = row;
  const reader = new DirectoryReader(sequence, record, row.headerAt, row.offset);
  const headers: RecordedBlock[] = [];
  let next = first;
  let { offset } = row;
  let check = 0;
  for (let count = 0; count < blocks; count += 1) {
    const header = reader.block(offset);
    if (header.first !== next || header.term !== term) break;
    check = checkOf(count === 0 ? 0 : check + 1, header);
    headers.push(header);
    next += header.count;
    offset += header.bytesLength;
  }
  if (headers.length === blocks && check === row.check) return headers;
  throw corruptRecord(sequence, `tells of other blocks from entry ${first} on than it did before`);
}

/** The block as it was committed, over the record's memory. */
function storedBlock(sequence: Sequence, header: RecordedBlock, record: Uint8Array): Block {
  const { offset, bytesLength, first, count, term, kind, timeMs, checksum } = header;
  const bytes = record.subarray(offset, offset + bytesLength);
  const computed = crc32c(bytes);
  if (bytes.length !== bytesLength || computed !== checksum) {
    const reason = `holds entry ${first} with checksum ${computed} instead of ${checksum}`;
    throw corruptRecord(sequence, reason);
  }
  return newBlock({ first, term, kind, count, timeMs, checksum, bytes });
}
