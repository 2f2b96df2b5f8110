/**
 * A walk over one tree of LMDB's file, of its structure alone: what a record or an entry holds is
 * judged by its own checksum. A page, in the byte order of the machine:
 *
 *      0 u64 page number      8 u64 transaction      18 u16 flags (1 branch, 2 leaf, 4 overflow)
 *      20 u16 end of places   22 u16 begin of nodes  24 u16 place of each node, in order of keys
 *                                                    (of an overflow run: 20 u32 pages)
 *
 *      a node   0 u16, 2 u16 size of the value   4 u16 flags   6 u16 size of the key   8 key, value
 *               of a branch: 0 u16, 2 u16, 4 u16 page of the child
 *
 * Places count from the end of the header. The nodes lie without gaps up to the end of the page. A
 * value that is too large for a leaf has pages of its own, and in the leaf u64 page, u64
 * transaction, u64 pages.
 */
import { littleEndian, noPage, pageHeaderBytes, readU64 } from "./lmdb-meta.ts";
import type { TreeHead } from "./lmdb-meta.ts";
import type { LmdbPages, PageClaims } from "./lmdb-pages.ts";
import { corruptMeta } from "./meta-entry.ts";

const branchFlag = 1;
const leafFlag = 2;
const overflowFlag = 4;
const nodeBytes = 8;
/** Flag of a node: its value has pages of its own. */
const largeFlag = 1;
const runBytes = 24;
/** LMDB's own limit. */
const depthMax = 32;

/** Where the value of an entry lies: in the window at `at`, or behind the header of `page`. */
export interface FoundValue {
  readonly at: number;
  /** `noPage` where it is in the window. */
  readonly page: number;
  readonly bytes: number;
}

/** What entries a tree may have. Keys are compared as LMDB compares them. */
export interface TreeForm<K extends number | string> {
  readonly name: string;
  readonly flags: number;
  /** Of a leaf's node; `largeFlag` besides, where values may be large. */
  readonly nodeFlags: number;
  /** The key of these bytes; undefined where this tree has none such. */
  readonly keyOf: (view: DataView, at: number, bytes: number) => K | undefined;
  /** What is wrong with a value, as the end of a sentence. */
  readonly valueFault?: (key: K, value: FoundValue) => string | undefined;
}

/** A state of the file: what one transaction has left. */
export interface LmdbState {
  readonly pages: LmdbPages;
  readonly claims: PageClaims;
  readonly transaction: number;
}

interface Branch<K> {
  readonly level: number;
  readonly children: readonly number[];
  /** The lowest key that each child may hold; undefined: no bound. */
  readonly lows: readonly (K | undefined)[];
  readonly high: K | undefined;
  next: number;
}

export class TreeWalk<K extends number | string> {
  readonly #state: LmdbState;
  readonly #head: TreeHead;
  readonly #form: TreeForm<K>;
  readonly #areaBytes: number;
  /** Where the nodes of the page begin that was laid out last, in order of keys. */
  readonly #places: Uint16Array;
  /** The size of the node that begins at each even place; zeros between two pages. */
  readonly #sizes: Uint16Array;
  #branchPages = 0;
  #leafPages = 0;
  #overflowPages = 0;
  #entries = 0;

  constructor(state: LmdbState, head: TreeHead, form: TreeForm<K>) {
    this.#state = state;
    this.#head = head;
    this.#form = form;
    this.#areaBytes = state.pages.pageBytes - pageHeaderBytes;
    this.#places = new Uint16Array(this.#areaBytes / 2);
    this.#sizes = new Uint16Array(this.#areaBytes / 2);
  }

  /**
   * Yields now and then, so that it need not be done in one go.
   * @throws ERR_STORE_CORRUPT where something does not hold
   */
  *walk(): Generator<void> {
    const { flags, depth, root } = this.#head;
    if (flags !== this.#form.flags) throw this.#fault(`has flags ${flags}`);
    if (depth > depthMax) throw this.#fault(`is ${depth} pages deep`);
    if ((root === noPage) !== (depth === 0)) throw this.#fault("has a depth without a root");
    const branches: Branch<K>[] = [];
    if (root !== noPage) this.#visit(branches, { page: root, level: depth });
    for (;;) {
      const branch = branches.at(-1);
      if (branch === undefined) break;
      const { children, lows, high, level, next } = branch;
      const page = children[next];
      if (page === undefined) {
        branches.pop();
        yield;
        continue;
      }
      branch.next += 1;
      const childHigh = next + 1 < children.length ? lows[next + 1] : high;
      this.#visit(branches, { page, level: level - 1, low: lows[next], high: childHigh });
    }
    this.#compare();
  }

  #visit(branches: Branch<K>[], child: Child<K>): void {
    if (child.level > 1) branches.push(this.#branch(child));
    else this.#leaf(child);
  }

  #branch({ page, level, low, high }: Child<K>): Branch<K> {
    const base = this.#layOut(page, branchFlag);
    const { view } = this.#state.pages;
    const children: number[] = [];
    const lows: (K | undefined)[] = [];
    const count = this.#count(base);
    let last = low;
    for (let i = 0; i < count; i += 1) {
      const at = base + this.#placeOf(i);
      const low32 =
        view.getUint16(at, littleEndian) + view.getUint16(at + 2, littleEndian) * 65_536;
      children.push(low32 + view.getUint16(at + 4, littleEndian) * 0x1_0000_0000);
      if (i === 0) {
        // The first child holds whatever is lower than the second's: LMDB reads no key here.
        lows.push(low);
        continue;
      }
      const key = this.#keyAt(page, at);
      if ((last !== undefined && key <= last) || (high !== undefined && key >= high)) {
        throw this.#fault(`has page ${page} out of order`);
      }
      lows.push(key);
      last = key;
    }
    this.#branchPages += 1;
    return { level, children, lows, high, next: 0 };
  }

  #leaf({ page, low, high }: Child<K>): void {
    const base = this.#layOut(page, leafFlag);
    const count = this.#count(base);
    let last: K | undefined;
    for (let i = 0; i < count; i += 1) {
      const at = base + this.#placeOf(i);
      const key = this.#keyAt(page, at);
      const rises = last === undefined ? low === undefined || key >= low : key > last;
      if (!rises || (high !== undefined && key >= high)) {
        throw this.#fault(`has page ${page} out of order`);
      }
      last = key;
      this.#value(page, at, key);
    }
    this.#leafPages += 1;
    this.#entries += count;
  }

  #value(page: number, at: number, key: K): void {
    const { view } = this.#state.pages;
    const bytes = view.getUint16(at, littleEndian) + view.getUint16(at + 2, littleEndian) * 65_536;
    const flags = view.getUint16(at + 4, littleEndian);
    const valueAt = at + nodeBytes + view.getUint16(at + 6, littleEndian);
    const large = flags === (this.#form.nodeFlags | largeFlag);
    if (!large && flags !== this.#form.nodeFlags) {
      throw this.#fault(`has a node with flags ${flags} in page ${page}`);
    }
    const run = large ? this.#run(valueAt, bytes) : noPage;
    const fault = this.#form.valueFault?.(key, { at: valueAt, page: run, bytes });
    if (fault !== undefined) throw this.#fault(fault);
  }

  /** The first page of a large value's own. */
  #run(at: number, bytes: number): number {
    const { pages, claims, transaction } = this.#state;
    const page = readU64(pages.view, at);
    const written = readU64(pages.view, at + 8);
    const count = readU64(pages.view, at + 16);
    const needed = Math.floor((pageHeaderBytes - 1 + bytes) / pages.pageBytes) + 1;
    if (count < needed) throw this.#fault(`has ${bytes} bytes in ${count} pages from ${page} on`);
    if (!claims.claim(page, count)) throw this.#claimFault(page, count);
    const header = pages.header(page);
    const isHead =
      header !== undefined &&
      written <= transaction &&
      readU64(header, 0) === page &&
      readU64(header, 8) === written &&
      header.getUint16(18, littleEndian) === overflowFlag &&
      header.getUint32(20, littleEndian) === count;
    if (!isHead) throw this.#fault(`has no run of ${count} pages at page ${page}`);
    this.#overflowPages += count;
    return page;
  }

  #keyAt(page: number, at: number): K {
    const { view } = this.#state.pages;
    const bytes = view.getUint16(at + 6, littleEndian);
    const key = this.#form.keyOf(view, at + nodeBytes, bytes);
    if (key === undefined) throw this.#fault(`has a key of ${bytes} bytes in page ${page}`);
    return key;
  }

  /** Checks header and nodes of a page, and notes where its nodes are. Returns where it begins. */
  #layOut(page: number, flag: number): number {
    const { pages, claims, transaction } = this.#state;
    if (!claims.claim(page, 1)) throw this.#claimFault(page, 1);
    const base = pages.seek(page);
    if (base === -1) throw this.#fault(`goes on in page ${page}, behind the end of the file`);
    const { view } = pages;
    const written = readU64(view, base + 8);
    const flags = view.getUint16(base + 18, littleEndian);
    if (readU64(view, base) !== page || flags !== flag || written < 1 || written > transaction) {
      throw this.#fault(`has page ${page} with a wrong header`);
    }
    const lower = view.getUint16(base + 20, littleEndian);
    const upper = view.getUint16(base + 22, littleEndian);
    if (lower < 2 || lower % 2 !== 0 || lower > upper || upper > this.#areaBytes) {
      throw this.#fault(`has page ${page} with wrong bounds`);
    }
    const nodes = base + pageHeaderBytes;
    for (let i = 0; i < lower / 2; i += 1) {
      const place = view.getUint16(nodes + i * 2, littleEndian);
      const size = place + nodeBytes <= this.#areaBytes ? sizeOfNode(view, nodes + place, flag) : 0;
      const fits = place % 2 === 0 && place >= upper && place + size <= this.#areaBytes;
      if (!fits || size === 0 || this.#sizes[place / 2] !== 0) {
        throw this.#fault(`has page ${page} with a node out of place`);
      }
      this.#places[i] = place;
      this.#sizes[place / 2] = size;
    }
    if (!this.#isTiled(upper, lower / 2)) throw this.#fault(`has page ${page} with gaps`);
    return base;
  }

  /** Whether so many nodes follow each other from `at` to the end. Clears their sizes. */
  #isTiled(from: number, count: number): boolean {
    let nodes = 0;
    for (let at = from; at < this.#areaBytes; nodes += 1) {
      const size = this.#sizes[at / 2] ?? 0;
      if (size === 0) return false;
      this.#sizes[at / 2] = 0;
      at += size;
    }
    return nodes === count;
  }

  #count(base: number): number {
    return this.#state.pages.view.getUint16(base + 20, littleEndian) / 2;
  }

  /** From the beginning of the page. */
  #placeOf(node: number): number {
    return pageHeaderBytes + (this.#places[node] ?? 0);
  }

  #compare(): void {
    const { branchPages, leafPages, overflowPages, entries } = this.#head;
    const holds =
      branchPages === this.#branchPages &&
      leafPages === this.#leafPages &&
      overflowPages === this.#overflowPages &&
      entries === this.#entries;
    if (!holds) throw this.#fault("has other numbers of pages and entries than its head says");
  }

  #claimFault(page: number, count: number): Error {
    return this.#fault(`uses ${count} pages from ${page} on, in use already or not in the file`);
  }

  #fault(reason: string): Error {
    return corruptMeta(`LMDB's tree ${this.#form.name} ${reason}`);
  }
}

interface Child<K> {
  readonly page: number;
  /** Above the leaves, which are at 1. */
  readonly level: number;
  readonly low?: K | undefined;
  readonly high?: K | undefined;
}

function sizeOfNode(view: DataView, at: number, flag: number): number {
  const keyBytes = view.getUint16(at + 6, littleEndian);
  if (flag === branchFlag) return evenOf(nodeBytes + keyBytes);
  const flags = view.getUint16(at + 4, littleEndian);
  const value = view.getUint16(at, littleEndian) + view.getUint16(at + 2, littleEndian) * 65_536;
  return evenOf(nodeBytes + keyBytes + ((flags & largeFlag) === 0 ? value : runBytes));
}

function evenOf(bytes: number): number {
  return bytes + (bytes % 2);
}
