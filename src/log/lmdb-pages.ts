/** The pages of LMDB's file, read through one window, and which of them are spoken for. */
import type { ReadFile } from "./lmdb-meta.ts";
import { firstPage, pageHeaderBytes } from "./lmdb-meta.ts";

const windowBytes = 65_536;

export class LmdbPages {
  readonly pageBytes: number;
  /** The window: a page's bytes are in it from what `seek` returns on. */
  readonly view: DataView;
  /** Bytes read so far. */
  bytesRead = 0;
  readonly #read: ReadFile;
  readonly #window: Uint8Array;
  readonly #head = new Uint8Array(pageHeaderBytes);
  readonly #headView = new DataView(this.#head.buffer);
  #from = 0;
  #to = 0;

  constructor(read: ReadFile, pageBytes: number) {
    this.pageBytes = pageBytes;
    this.#read = read;
    this.#window = new Uint8Array(Math.max(windowBytes, pageBytes));
    this.view = new DataView(this.#window.buffer);
  }

  /** Where the page begins in the window, until the next call; -1 where the file ends before it. */
  seek(page: number): number {
    const at = page * this.pageBytes;
    if (at < this.#from || at + this.pageBytes > this.#to) {
      const count = this.#read(this.#window, at);
      this.bytesRead += count;
      this.#from = at;
      this.#to = at + count;
      if (count < this.pageBytes) return -1;
    }
    return at - this.#from;
  }

  /** The header of a page, which leaves the window alone; undefined behind the file's end. */
  header(page: number): DataView | undefined {
    const at = page * this.pageBytes;
    if (at >= this.#from && at + this.pageBytes <= this.#to) {
      return new DataView(this.#window.buffer, at - this.#from, pageHeaderBytes);
    }
    this.bytesRead += pageHeaderBytes;
    return this.#read(this.#head, at) === pageHeaderBytes ? this.#headView : undefined;
  }

  /** Fills `target` from a place behind a page's header; false where the file ends before. */
  content(page: number, at: number, target: Uint8Array): boolean {
    this.bytesRead += target.length;
    const from = page * this.pageBytes + pageHeaderBytes + at;
    return this.#read(target, from) === target.length;
  }
}

/** Pages up to the last one, each of which may have one use. */
export class PageClaims {
  readonly #lastPage: number;
  readonly #bits: Uint8Array;

  constructor(lastPage: number) {
    this.#lastPage = lastPage;
    this.#bits = new Uint8Array((lastPage >>> 3) + 1);
  }

  /** Claims a run of pages; false where one is claimed already, or is none of the file's. */
  claim(page: number, count: number): boolean {
    if (page < firstPage || count < 1 || page + count - 1 > this.#lastPage) return false;
    for (let at = page; at < page + count; at += 1) {
      const byte = this.#bits[at >>> 3] ?? 0;
      const bit = 1 << (at & 7);
      if ((byte & bit) !== 0) return false;
      this.#bits[at >>> 3] = byte | bit;
    }
    return true;
  }
}
