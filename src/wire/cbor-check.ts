/**
 * The check that stands in front of cbor-x: a walk over the heads of a CBOR value, byte strings
 * skipped whole, so that its cost grows with the number of items and not with their bytes (some 10
 * ns an item, a tenth of what reading the frame costs).
 *
 * It admits a small part of CBOR and nothing else: integers within ±(2^53-1), floats, byte and text
 * strings, arrays, maps, false, true, null, undefined, all of definite length. What it keeps away
 * from the decoder:
 *
 *   tags          a bignum (tag 2) of 1 MB blocks cbor-x for minutes, tag 27 builds RegExp and
 *                 Error, 0xdff9 and above define records; the remedy of registering throwing tags
 *                 is global to the thread, so it would reach into an embedder's use of cbor-x
 *   deep nesting  found here at the depth of the limit, not after the stack has overflowed
 *   length claims every item is walked before any memory is taken for it
 */
import { limits } from "../base/index.ts";

/**
 * Items in one value. A full frame of our own holds 1.2 million; the bound keeps a decoded frame
 * below some 40 MB.
 */
const cborItemsMax = 4_194_304;

const truncated = "CBOR ends inside a value";

/**
 * Says what is wrong with `bytes` as one whole CBOR value of the subset, or undefined where nothing
 * is.
 */
export function findCborFault(
  bytes: Uint8Array,
  depthMax: number = limits.cborDepthMax,
): string | undefined {
  const end = bytes.length;
  /** Items still to come in each open container around the present one. */
  const outer: number[] = [];
  let left = 1;
  let items = 1;
  let at = 0;
  for (;;) {
    while (left === 0) {
      const next = outer.pop();
      if (next === undefined) {
        return at === end ? undefined : `${end - at} bytes follow the CBOR value`;
      }
      left = next;
    }
    left -= 1;
    if (at >= end) return truncated;
    const head = bytes[at] ?? 0;
    at += 1;
    if (head < 0x18) continue;
    const width = argumentBytes(head);
    if (width < 0) return `CBOR head 0x${head.toString(16)} is of indefinite or reserved length`;
    if (at + width > end) return truncated;
    const argument = width === 0 ? head & 0x1f : readArgument(bytes, at, width);
    at += width;
    switch (head >>> 5) {
      case 0:
      case 1:
        if (argument > Number.MAX_SAFE_INTEGER) return "a CBOR integer is beyond 2^53-1";
        break;
      case 2:
      case 3:
        if (argument > end - at) return truncated;
        at += argument;
        break;
      case 4:
      case 5: {
        const count = head >>> 5 === 4 ? argument : argument * 2;
        if (count > end - at) return truncated;
        items += count;
        if (items > cborItemsMax) return `CBOR of more than ${cborItemsMax} items`;
        if (outer.length === depthMax) return `CBOR nested deeper than ${depthMax}`;
        outer.push(left);
        left = count;
        break;
      }
      case 6:
        return `CBOR tag ${argument}; tags are not used`;
      default:
        // Major type 7: false, true, null, undefined, and floats of 2, 4 and 8 bytes.
        if (width < 2 && (head < 0xf4 || head > 0xf7)) {
          return `CBOR simple value ${argument} is not used`;
        }
    }
  }
}

/** Bytes of the argument that follows a head, or -1 for indefinite and reserved ones. */
function argumentBytes(head: number): number {
  const info = head & 0x1f;
  if (info < 24) return 0;
  return info < 28 ? 1 << (info - 24) : -1;
}

function readArgument(bytes: Uint8Array, at: number, width: number): number {
  if (width === 1) return bytes[at] ?? 0;
  if (width === 2) return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  let value = 0;
  for (let offset = 0; offset < width; offset += 1) value = value * 256 + (bytes[at + offset] ?? 0);
  return value;
}
