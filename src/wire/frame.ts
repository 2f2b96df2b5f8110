/**
 * A frame: what one `send` carries.
 *
 *      u32 length of the body | u32 CRC-32C of the body | body: one CBOR value
 *
 * Both integers are big-endian.
 */
import { assert, limits } from "../base/index.ts";
import { entryHeaderBytes, writeEntryHeader } from "../raft/index.ts";
import { encodeCborAfter, encodeItemsBetween, writeArrayHead } from "./cbor.ts";
import { crc32c, joinCrc32c } from "./crc32c.ts";

export const frameHeaderBytes = 8;

/** A frame to be sent: its bytes in parts, one behind the other. */
export type Frame = readonly Uint8Array[];

/** A byte string that leaves as a part of its own, from the memory where it lies. */
export interface ApartBytes {
  /** Its place in the array. */
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly checksum: number;
}

/** Encodes a body of plain numbers, strings and byte strings as a whole frame. */
export function encodeFrame(value: unknown): Uint8Array {
  const frame = encodeCborAfter(frameHeaderBytes, value);
  writeHeader(frame, frame.length - frameHeaderBytes, crc32c(bodyOfFrame(frame)));
  return frame;
}

/**
 * Encodes a body that is one flat array. Large byte strings in it, named in `apart` in their order,
 * are neither copied nor read: their checksums are known.
 */
export function encodeFrameParts(values: readonly unknown[], apart: readonly ApartBytes[]): Frame {
  if (apart.length === 0) return [encodeFrame(values)];
  const parts: Uint8Array[] = [];
  let length = -frameHeaderBytes;
  let checksum = 0;
  let from = 0;
  for (const { at, bytes, checksum: known } of apart) {
    const part = encodeItems(values, from, at, bytes.length);
    parts.push(part, bytes);
    length += part.length + bytes.length;
    checksum = crc32c(from === 0 ? bodyOfFrame(part) : part, checksum);
    checksum = joinCrc32c(checksum, known, bytes.length);
    from = at + 1;
  }
  if (from < values.length) {
    const part = encodeItems(values, from, values.length, 0);
    parts.push(part);
    length += part.length;
    checksum = crc32c(part, checksum);
  }
  const [first] = parts;
  assert(first instanceof Buffer, "a frame begins with its header");
  writeHeader(first, length, checksum);
  return parts;
}

/**
 * The items `[from, to)` of a body, with room for the frame's header and the head of the array in
 * front of the first ones, and the head of a byte string of `nextBytes` behind them, if there is
 * one.
 */
function encodeItems(
  values: readonly unknown[],
  from: number,
  to: number,
  nextBytes: number,
): Buffer {
  const headBytes = from === 0 ? frameHeaderBytes + entryHeaderBytes(values.length) : 0;
  const tailBytes = nextBytes === 0 ? 0 : entryHeaderBytes(nextBytes);
  const part = encodeItemsBetween(headBytes, values.slice(from, to), tailBytes);
  if (from === 0) writeArrayHead(part, frameHeaderBytes, values.length);
  if (nextBytes > 0) writeEntryHeader(part, part.length - tailBytes, nextBytes);
  return part;
}

/** All of a frame in one piece. */
export function wholeFrame(frame: Frame): Uint8Array {
  const [first] = frame;
  return frame.length === 1 && first !== undefined ? first : Buffer.concat(frame);
}

/** The body of a whole frame, as a view. */
export function bodyOfFrame(frame: Uint8Array): Uint8Array {
  return frame.subarray(frameHeaderBytes);
}

function writeHeader(frame: Buffer, length: number, checksum: number): void {
  assert(length <= limits.frameBytesMax, `a frame's body has ${length} bytes`);
  frame.writeUInt32BE(length, 0);
  frame.writeUInt32BE(checksum, 4);
}
