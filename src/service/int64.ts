/**
 * Safe integers as signed 64-bit big-endian, the form every number of the key-value formats has.
 * Written by halves of 32 bits: BigInt and DataView would each cost more than the rest of a small
 * command.
 */

/** Bytes of one integer. */
export const int64Bytes = 8;

const half = 0x1_0000_0000;

export function writeInt64Into(target: Uint8Array, at: number, value: number): void {
  // Rounding down makes the low half positive for negative values too, which is two's complement.
  const high = Math.floor(value / half);
  const low = value - high * half;
  target[at] = high >> 24;
  target[at + 1] = high >> 16;
  target[at + 2] = high >> 8;
  target[at + 3] = high;
  target[at + 4] = low >>> 24;
  target[at + 5] = low >>> 16;
  target[at + 6] = low >>> 8;
  target[at + 7] = low;
}

/**
 * The integer at `at`, which must lie inside `bytes`. Beyond the safe range it comes back rounded:
 * check what matters.
 */
export function readInt64(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at) * half + (readInt32(bytes, at + 4) >>> 0);
}

function readInt32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}
