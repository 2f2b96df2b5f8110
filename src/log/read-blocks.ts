import type { Index } from "../base/index.ts";
import { newBlock, sliceBlock } from "../raft/index.ts";
import type { Block } from "../raft/index.ts";
import { crc32c } from "../wire/index.ts";
import type { GroupIndex, IndexedBlock } from "./group-index.ts";
import { corruptRecord } from "./record.ts";
import type { Sequence } from "./record.ts";

/**
 * Records that one read looks into. Entries of a quiet group lie far apart, each in a record that
 * may be a hundred times their size. Groups that catch up side by side, a few records each in turn,
 * find them in memory; one that read all of its own at once would drive out what the next group
 * needs.
 */
const recordsMax = 8;

/** Gives a record's bytes, valid until the next call. */
export type FetchRecord = (sequence: Sequence) => Uint8Array;

/**
 * `LogStore.read` over an index. The blocks own their memory, so that one kept block does not pin
 * its whole record.
 */
export function readBlocks(
  index: GroupIndex,
  from: Index,
  bytesMax: number,
  fetch: FetchRecord,
): Block[] {
  const blocks: Block[] = [];
  let bytesTotal = 0;
  const row = index.rowOf(from);
  if (row === -1) return blocks;
  let records = 0;
  let sequence = 0;
  for (let at = row; at < index.blockCount; at += 1) {
    const stored = index.block(at);
    if (stored.sequence !== sequence) {
      if (records === recordsMax) break;
      records += 1;
      sequence = stored.sequence;
    }
    const whole = stored.first >= from && stored.end === stored.first + stored.count;
    if (blocks.length > 0 && whole && bytesTotal + stored.bytesLength > bytesMax) break;
    const block = sliceBlock(
      storedBlock(stored, fetch(stored.sequence)),
      Math.max(from, stored.first),
      stored.end,
      crc32c,
    );
    if (blocks.length > 0 && bytesTotal + block.bytes.length > bytesMax) break;
    // `slice` would share memory where the record is a Buffer.
    blocks.push(newBlock({ ...block, bytes: new Uint8Array(block.bytes) }));
    bytesTotal += block.bytes.length;
    if (bytesTotal >= bytesMax) break;
  }
  return blocks;
}

/** The block as it was committed, over the record's memory. */
function storedBlock(stored: IndexedBlock, record: Uint8Array): Block {
  const { sequence, offset, bytesLength, first, count, term, kind, timeMs, checksum } = stored;
  const bytes = record.subarray(offset, offset + bytesLength);
  const computed = crc32c(bytes);
  if (bytes.length !== bytesLength || computed !== checksum) {
    const reason = `holds entry ${first} with checksum ${computed} instead of ${checksum}`;
    throw corruptRecord(sequence, reason);
  }
  return newBlock({ first, term, kind, count, timeMs, checksum, bytes });
}
