/**
 * A frame: what one `send` carries.
 *
 *      u32 length of the body | u32 CRC-32C of the body | body: one CBOR value
 *
 * Both integers are big-endian.
 */
import { assert, limits } from "../base/index.ts";
import { encodeCborAfter } from "./cbor.ts";
import { crc32c } from "./crc32c.ts";

export const frameHeaderBytes = 8;

/** Encodes a body of plain numbers, strings and byte strings as a whole frame. */
export function encodeFrame(value: unknown): Uint8Array {
  const frame = encodeCborAfter(frameHeaderBytes, value);
  const length = frame.length - frameHeaderBytes;
  assert(length <= limits.frameBytesMax, `a frame's body has ${length} bytes`);
  frame.writeUInt32BE(length, 0);
  frame.writeUInt32BE(crc32c(bodyOfFrame(frame)), 4);
  return frame;
}

/** The body of a whole frame, as a view. */
export function bodyOfFrame(frame: Uint8Array): Uint8Array {
  return frame.subarray(frameHeaderBytes);
}
