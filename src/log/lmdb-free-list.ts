/**
 * LMDB's list of free pages, as lmdb-js keeps it. Each entry is a list of u64 words: how many
 * follow, then a page each, or the negative length of a run and the first page of it, or zeros in
 * between, as room for others. The key of an entry is the transaction that freed its pages.
 */
import { littleEndian, noPage, readU64 } from "./lmdb-meta.ts";
import type { FoundValue, LmdbState, TreeForm } from "./lmdb-tree.ts";

const wordBytes = 8;
const chunkBytes = 65_536;

export function freeListForm(state: LmdbState): TreeForm<number> {
  const list = new FreeList(state);
  return {
    name: "of free pages",
    flags: 8,
    nodeFlags: 0,
    keyOf: (view, at, bytes) => (bytes === wordBytes ? readU64(view, at) : undefined),
    valueFault: (transaction, value) => list.fault(transaction, value),
  };
}

class FreeList {
  readonly #state: LmdbState;
  #chunk: Uint8Array = new Uint8Array(0);
  /** Of the entry: words that are still to come. */
  #left = 0;
  /** Pages of the run whose first page is the next word; 0: the next word is none such. */
  #runPages = 0;

  constructor(state: LmdbState) {
    this.#state = state;
  }

  /** What is wrong with an entry, as the end of a sentence about the list. */
  fault(transaction: number, { at, page, bytes }: FoundValue): string | undefined {
    const name = `has an entry of transaction ${transaction}`;
    if (transaction < 1 || transaction > this.#state.transaction) return name;
    if (bytes < wordBytes || bytes % wordBytes !== 0) return `${name} of ${bytes} bytes`;
    this.#left = -1;
    this.#runPages = 0;
    const words = bytes / wordBytes;
    const holds =
      page === noPage
        ? this.#take(this.#state.pages.view, at, words)
        : this.#takeLarge(page, words);
    return holds && this.#runPages === 0 ? undefined : `${name} that cannot be`;
  }

  #takeLarge(page: number, words: number): boolean {
    if (this.#chunk.length === 0) this.#chunk = new Uint8Array(chunkBytes);
    for (let from = 0; from < words * wordBytes; from += chunkBytes) {
      const chunk = this.#chunk.subarray(0, Math.min(chunkBytes, words * wordBytes - from));
      if (!this.#state.pages.content(page, from, chunk)) return false;
      const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
      const wordsLeft = words - from / wordBytes;
      if (!this.#take(view, 0, chunk.length / wordBytes, wordsLeft)) return false;
    }
    return true;
  }

  /** @param wordsLeft of the entry, from here on */
  #take(view: DataView, from: number, words: number, wordsLeft: number = words): boolean {
    for (let i = 0; i < words; i += 1) {
      const at = from + i * wordBytes;
      if (this.#left === -1) {
        this.#left = readU64(view, at);
        if (this.#left >= wordsLeft) return false;
        continue;
      }
      // Behind the last word only the first page of a run that it began is of any meaning.
      if (this.#left === 0 && this.#runPages === 0) return true;
      if (this.#left > 0) this.#left -= 1;
      if (!this.#word(view, at)) return false;
    }
    return true;
  }

  #word(view: DataView, at: number): boolean {
    const high = view.getInt32(littleEndian ? at + 4 : at, littleEndian);
    if (this.#runPages === 0 && high < 0) {
      const low = view.getUint32(littleEndian ? at : at + 4, littleEndian);
      this.#runPages = -(high * 0x1_0000_0000 + low);
      return true;
    }
    const page = readU64(view, at);
    if (page === 0 && this.#runPages === 0) return true;
    const count = Math.max(1, this.#runPages);
    this.#runPages = 0;
    return this.#state.claims.claim(page, count);
  }
}
