/** Bits that flip by themselves on a simulated disk. */
import { assert } from "../../base/index.ts";
import type { Prng } from "../../base/index.ts";
import { recordFormat } from "../../log/index.ts";

/** A part of a record. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What may rot: whatever there is, or what a group has said, in the payload of a record. */
export type RotPlace = "anything" | "entry";

/** Where a record holds the bytes of its blocks. */
export function payloadOf(record: Uint8Array): Range {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const from = recordFormat.headerBytes + view.getUint32(recordFormat.directoryBytesAt);
  return { from, to: record.length };
}

/** A copy in which one to three bits differ, in as many bytes, so that none is flipped back. */
export function rotten(bytes: Uint8Array, { from, to }: Range, prng: Prng): Uint8Array {
  assert(to > from, "there is something to rot");
  const copy = bytes.slice();
  const first = prng.between(0, to - from);
  for (let bits = Math.min(prng.between(1, 4), to - from); bits > 0; bits -= 1) {
    const at = from + ((first + bits) % (to - from));
    copy[at] = (copy[at] ?? 0) ^ (1 << prng.between(0, 8));
  }
  return copy;
}
