/**
 * A commit record: everything one commit of a shard changed in all its groups, as one value of the
 * store. FORMAT.md shows every byte.
 *
 *      header (28 bytes) │ directory: one flat CBOR array │ payload: the bytes of every block
 *
 * The directory says which bytes of the payload are whose, so that a block is read by slicing, and
 * blocks keep the bytes in which their leader laid them. The record holds its own sequence number:
 * stored under a wrong key it is found out.
 *
 * The record's checksum ends with the directory; each block of the payload has its own, of which
 * the directory tells. So damage in the payload is damage of one group, and the others are as sound
 * as they were; if the directory is damaged, nobody knows whose the payload is.
 */
import { assert } from "../base/index.ts";
import { crc32c } from "../wire/index.ts";
import type { GroupChange } from "./log-store.ts";
import {
  DirectoryReader,
  DirectoryWriter,
  blockBytes,
  changeBytes,
  countCells,
  integerBytes,
} from "./record-directory.ts";
import type { RecordedBlock, RecordedChange } from "./record-directory.ts";
import { corruptRecord, recordFormat } from "./record-format.ts";
import type { Sequence } from "./record-format.ts";

/** Bounds one commit; far above what a round's own limits let through. */
const recordBytesMax = 0x4000_0000;

/** The sizes of a record, known before memory is taken for it. */
export interface RecordPlan {
  /** Where the part of the first group begins. */
  readonly changesAt: number;
  /** Where the payload begins. */
  readonly payloadAt: number;
  /** Size of the whole record. */
  readonly bytes: number;
}

export function planRecord(changes: readonly GroupChange[]): RecordPlan {
  const changesAt = recordFormat.headerBytes + integerBytes(countCells(changes));
  let payloadAt = changesAt;
  let payloadBytes = 0;
  for (const change of changes) {
    payloadAt += changeBytes(change);
    for (const block of change.blocks) {
      payloadAt += blockBytes(block);
      payloadBytes += block.bytes.length;
    }
  }
  const bytes = payloadAt + payloadBytes;
  assert(bytes <= recordBytesMax, `commit record of ${bytes} bytes is within ${recordBytesMax}`);
  return { changesAt, payloadAt, bytes };
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
  view.setUint32(recordFormat.directoryBytesAt, plan.payloadAt - recordFormat.headerBytes);
  view.setUint32(recordFormat.recordBytesAt, plan.bytes);
  const directory = new DirectoryWriter(target, recordFormat.headerBytes);
  directory.write(changes);
  assert(directory.at === plan.payloadAt, "directory has its planned size");
  let { at } = directory;
  for (const change of changes) {
    for (const block of change.blocks) {
      target.set(block.bytes, at);
      at += block.bytes.length;
    }
  }
  assert(at === plan.bytes, "payload has its planned size");
  const covered = target.subarray(recordFormat.sequenceAt, plan.payloadAt);
  view.setUint32(recordFormat.checksumAt, crc32c(covered));
}

/**
 * Checks a record's header and directory, and reads them. The payload is another matter:
 * `damagedBlock`.
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
  const payloadAt = headerBytes + view.getUint32(recordFormat.directoryBytesAt);
  if (payloadAt > bytes.length) throw corruptRecord(sequence, "has a directory beyond its end");
  const checksum = view.getUint32(recordFormat.checksumAt);
  const computed = crc32c(bytes.subarray(recordFormat.sequenceAt, payloadAt));
  if (checksum !== computed) {
    throw corruptRecord(sequence, `has checksum ${checksum}, its bytes have ${computed}`);
  }
  const stored = view.getBigUint64(recordFormat.sequenceAt);
  if (stored !== BigInt(sequence)) throw corruptRecord(sequence, `says it is record ${stored}`);
  return new DirectoryReader(sequence, bytes, headerBytes, payloadAt).read();
}

/** The first of these blocks whose bytes in the record do not match its checksum. */
export function damagedBlock(
  record: Uint8Array,
  blocks: readonly RecordedBlock[],
): RecordedBlock | undefined {
  return blocks.find(({ offset, bytesLength, checksum }) => {
    return crc32c(record.subarray(offset, offset + bytesLength)) !== checksum;
  });
}
