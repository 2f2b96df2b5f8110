/**
 * The last few records of a store in one piece of memory, used as a ring. A commit encodes its
 * record right into it, so that encoding allocates nothing and what was just written can be read
 * back without the disk.
 *
 * What `get` and `reserve` return is overwritten by later calls of `reserve`: readers copy what
 * they keep.
 */
import { assert } from "../base/index.ts";
import type { Sequence } from "./record-format.ts";

/** Small records would make the map of places larger than the memory it tells of. */
const placesMax = 1_024;

interface Place {
  readonly offset: number;
  readonly end: number;
}

export class RecordArena {
  readonly #bytesMax: number;
  /** Taken on first use: most shards of a quiet node never read old records. */
  #memory: Uint8Array | undefined;
  /** Oldest first. */
  readonly #places = new Map<Sequence, Place>();
  #at = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * Memory for a record. One larger than the whole arena gets memory of its own and is not
   * remembered.
   */
  reserve(sequence: Sequence, bytes: number): Uint8Array {
    // An empty place could not be overwritten, and would hide those behind it from `#forget`.
    assert(bytes > 0, "record has bytes");
    if (bytes > this.#bytesMax) return new Uint8Array(bytes);
    this.#memory ??= new Uint8Array(this.#bytesMax);
    if (this.#at + bytes > this.#bytesMax) {
      this.#forget((place) => place.offset >= this.#at);
      this.#at = 0;
    }
    const offset = this.#at;
    const end = offset + bytes;
    this.#forget((place) => place.offset < end && place.end > offset);
    if (this.#places.size >= placesMax) this.#forget((_, count) => count === 0);
    this.#places.set(sequence, { offset, end });
    this.#at = end;
    return this.#memory.subarray(offset, end);
  }

  get(sequence: Sequence): Uint8Array | undefined {
    const place = this.#places.get(sequence);
    return place === undefined ? undefined : this.#memory?.subarray(place.offset, place.end);
  }

  /**
   * Drops records from the oldest on, as long as `matches`: the ring overwrites them in that order.
   */
  #forget(matches: (place: Place, count: number) => boolean): void {
    let count = 0;
    for (const [sequence, place] of this.#places) {
      if (!matches(place, count)) return;
      this.#places.delete(sequence);
      count += 1;
    }
  }
}
