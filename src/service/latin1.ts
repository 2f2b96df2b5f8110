/**
 * Bytes as one-byte strings: code unit n stands for byte n, so the text is exact for any bytes,
 * also for keys that are not valid UTF-8. V8 keeps such a string at one byte a character on its own
 * heap, with 12 to 16 bytes beside it; a Uint8Array costs above 100 bytes and a finalizer, and
 * cannot be a key of a Map.
 */

// Node gives every Buffer these methods, and @types/node leaves them out. `toString("latin1", …)`
// is the same behind a look-up of the encoding's name, which would be a quarter of the time of
// applying a small put.
declare global {
  interface Buffer {
    latin1Slice(start: number, end: number): string;
    latin1Write(text: string, at: number): number;
  }
}

/**
 * The memory that was wrapped last, as a Buffer. The commands of a block share their bytes, so one
 * wrap serves a whole block. It is kept once a thread and not once a machine: it pins the memory,
 * and a parked group must not pin its last block.
 */
let wrapped: Uint8Array | undefined;
let wrapper: Buffer = Buffer.alloc(0);

/** The text of `bytes[start, end)`, as a copy. */
export function latin1Of(bytes: Uint8Array, start: number, end: number): string {
  if (bytes !== wrapped) wrap(bytes);
  return wrapper.latin1Slice(start, end);
}

/**
 * The same text in memory of its own: V8 makes a cut of 13 characters or more as a reference into
 * the whole text.
 */
export function copyOfLatin1(text: string): string {
  return Buffer.from(text, "latin1").latin1Slice(0, text.length);
}

function wrap(bytes: Uint8Array): void {
  wrapper = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  wrapped = bytes;
}
