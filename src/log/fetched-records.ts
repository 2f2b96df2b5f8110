/**
 * Old records of a store, kept in memory once they have been read. A record holds entries of many
 * groups, and each of them asks for it: what is not kept is read from its beginning to its end
 * again for a few hundred bytes. A thousand groups that follow the log side by side must therefore
 * keep within what fits here, the `span`.
 */
import { RecordArena } from "./record-arena.ts";
import type { Sequence } from "./record-format.ts";

/** Small records: a window of thousands would gain nothing over this. */
const spanMax = 32;
/** Followers and the state machines each read at a place of their own. */
const readers = 2;

export class FetchedRecords {
  readonly #bytesMax: number;
  readonly #arena: RecordArena;
  /** One record that is larger than all memory here: groups ask for the same one in turn. */
  #large: { readonly sequence: Sequence; readonly record: Uint8Array } | undefined;
  /** Bytes of the largest record of late. */
  #largest = 0;

  /** @param bytesMax 0 where nothing needs to be kept */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#arena = new RecordArena(bytesMax);
  }

  /** Records in a row that each reader finds here again, from 1 to 32. */
  get span(): number {
    if (this.#bytesMax === 0 || this.#largest === 0) return spanMax;
    const fit = Math.floor(this.#bytesMax / readers / this.#largest);
    return Math.min(Math.max(fit, 1), spanMax);
  }

  /** Valid until the next call of `keep`. */
  get(sequence: Sequence): Uint8Array | undefined {
    if (this.#large?.sequence === sequence) return this.#large.record;
    return this.#arena.get(sequence);
  }

  keep(sequence: Sequence, record: Uint8Array): void {
    if (this.#bytesMax === 0) return;
    this.#largest = Math.max(record.length, this.#largest - (this.#largest >> 4));
    if (record.length <= this.#bytesMax) {
      this.#arena.reserve(sequence, record.length).set(record);
    } else {
      this.#large = { sequence, record: new Uint8Array(record) };
    }
  }
}
