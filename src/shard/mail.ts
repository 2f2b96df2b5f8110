/**
 * Mail between the engine (main thread) and a shard: packed records in one transferable buffer a
 * turn and direction, since a posted object costs 20 times what a record in a buffer does.
 *
 *     u32 bytes used, u32 bytes of results, f64 when posted | record | record | …
 *
 * A record is u32 words, then bytes, padded to 4. When mail was posted is a time of its writer's
 * monotonic clock, or 0 if it has none.
 *
 * Both ends are the same build of the same program, so there are no versions, and no checks beyond
 * the writer's own.
 */
import { assert, limits } from "../base/index.ts";
import { writeEntryHeader } from "../raft/index.ts";

const initialBytes = 16_384;
const headBytes = 16;

export class MailWriter {
  /** Records written since the last `take`. */
  count = 0;
  /** How often mail was taken: what was noted about an earlier one no longer holds. */
  takes = 0;
  private words: Uint32Array;
  private readonly pair: Uint32Array = new Uint32Array(2);
  private readonly doubles: Float64Array;
  private bytes: Uint8Array;
  /** What the results in it take: `result`. */
  private resultBytes = 0;
  /** Byte position of the next record; a multiple of 4. */
  private at: number = headBytes;
  private capacity: number = initialBytes;

  constructor() {
    const buffer = new ArrayBuffer(initialBytes);
    this.words = new Uint32Array(buffer);
    this.doubles = new Float64Array(this.pair.buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** Bytes written and not taken. */
  get size(): number {
    return this.at - headBytes;
  }

  /** Whether it is large enough to be posted now: one buffer must not grow with a burst. */
  get full(): boolean {
    return this.at >= limits.mailBytesMax;
  }

  /** Begins a record and makes room for `extra` bytes after its first words. */
  begin(kind: number, extra: number): void {
    this.reserve(extra + 64);
    this.count += 1;
    this.word(kind);
  }

  /** Where the next word goes; names a word of this mail until it is taken. */
  get position(): number {
    return this.at >>> 2;
  }

  word(value: number): void {
    this.words[this.at >>> 2] = value;
    this.at += 4;
  }

  /** A number as f64: indexes and terms. */
  double(value: number): void {
    this.doubles[0] = value;
    this.word(this.pair[0] ?? 0);
    this.word(this.pair[1] ?? 0);
  }

  /** A length word, then the bytes. Room must have been reserved. */
  block(source: Uint8Array): void {
    this.word(source.length);
    this.put(source, this.at);
    this.at += (source.length + 3) & ~3;
  }

  /**
   * Entries in the form they keep: one block of CBOR byte strings (raft/block.ts). Room must have
   * been reserved.
   */
  entries(list: readonly Uint8Array[]): void {
    const length = this.hole();
    const start = this.at;
    let { at } = this;
    for (const entry of list) {
      at = writeEntryHeader(this.bytes, at, entry.length);
      this.put(entry, at);
      at += entry.length;
    }
    this.at = (at + 3) & ~3;
    this.fill(length, at - start);
  }

  private put(source: Uint8Array, at: number): void {
    if (source.length < 48) {
      for (let i = 0; i < source.length; i += 1) this.bytes[at + i] = source[i] ?? 0;
    } else this.bytes.set(source, at);
  }

  /**
   * Makes room for `bytes` more of the record begun last.
   * @throws RangeError if there is no memory; the writer is as it was before
   */
  reserve(bytes: number): void {
    const needed = this.at + bytes + 8;
    if (needed <= this.capacity) return;
    let { capacity } = this;
    // Beyond the size at which mail is posted only one large record can need room.
    while (capacity < needed) capacity = capacity < limits.mailBytesMax ? capacity * 2 : needed;
    capacity = Math.ceil(capacity / 8) * 8;
    // First the memory, then the new capacity: after a failure the writer would take room for
    // granted that it does not have, and stores beyond a typed array's end are silently ignored.
    const grown = new Uint8Array(capacity);
    grown.set(this.bytes.subarray(0, this.at));
    this.capacity = capacity;
    this.bytes = grown;
    this.words = new Uint32Array(grown.buffer);
  }

  /**
   * One of several results of a record: the length and whether it failed share a word. Returns what
   * it takes.
   */
  result(source: Uint8Array, failed: boolean): number {
    const start = this.at;
    this.word(source.length * 2 + (failed ? 1 : 0));
    this.put(source, this.at);
    this.at += (source.length + 3) & ~3;
    this.resultBytes += this.at - start;
    return this.at - start;
  }

  /** A word to be filled in later. */
  hole(): number {
    const at = this.at >>> 2;
    this.word(0);
    return at;
  }

  fill(hole: number, value: number): void {
    this.words[hole] = value;
  }

  /** Hands over the buffer, to be transferred, and starts a new one. */
  take(postedMs = 0): ArrayBuffer {
    this.words[0] = this.at;
    this.words[1] = this.resultBytes;
    this.resultBytes = 0;
    this.doubles[0] = postedMs;
    this.words[2] = this.pair[0] ?? 0;
    this.words[3] = this.pair[1] ?? 0;
    const { buffer } = this.words;
    assert(buffer instanceof ArrayBuffer, "mail is not shared");
    // The next turn is likely to need as much as this one did, not as much as the largest ever, and
    // not twice as much: what is taken has to be zeroed, and hastens the collector.
    const capacity = Math.max(initialBytes, (this.at + (this.at >>> 3) + 4_095) & ~4_095);
    const next = new ArrayBuffer(capacity);
    this.capacity = capacity;
    this.words = new Uint32Array(next);
    this.bytes = new Uint8Array(next);
    this.at = headBytes;
    this.count = 0;
    this.takes += 1;
    return buffer;
  }
}

export class MailReader {
  readonly bytes: Uint8Array;
  /** The record's bytes after `block()`: `bytes[start, end)`. */
  start = 0;
  end = 0;
  readonly postedMs: number;
  /** What the results in it take. */
  readonly answerBytes: number;
  private readonly words: Uint32Array;
  private readonly pair: Uint32Array = new Uint32Array(2);
  private readonly doubles: Float64Array;
  private at: number = headBytes;
  private readonly used: number;

  constructor(buffer: ArrayBuffer) {
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.doubles = new Float64Array(this.pair.buffer);
    this.used = this.words[0] ?? 0;
    this.answerBytes = this.words[1] ?? 0;
    this.pair[0] = this.words[2] ?? 0;
    this.pair[1] = this.words[3] ?? 0;
    this.postedMs = this.doubles[0] ?? 0;
  }

  get done(): boolean {
    return this.at >= this.used;
  }

  word(): number {
    const value = this.words[this.at >>> 2] ?? 0;
    this.at += 4;
    return value;
  }

  double(): number {
    this.pair[0] = this.word();
    this.pair[1] = this.word();
    return this.doubles[0] ?? 0;
  }

  /** Moves over a block and leaves its bounds in `start` and `end`. */
  block(): void {
    const length = this.word();
    this.start = this.at;
    this.end = this.at + length;
    this.at += (length + 3) & ~3;
  }

  /** As `block`, over one of several results; returns whether it failed. */
  result(): boolean {
    const word = this.word();
    this.start = this.at;
    this.end = this.at + (word >>> 1);
    this.at += ((word >>> 1) + 3) & ~3;
    return (word & 1) !== 0;
  }

  /** The block's bytes as a copy of their own. */
  copy(): Uint8Array {
    return this.bytes.slice(this.start, this.end);
  }

  /** The block's bytes as a view on the mail. */
  view(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }
}
