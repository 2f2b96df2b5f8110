/**
 * Rows of a few unsigned numbers, in pages off the JavaScript heap: columns of u32 in ArrayBuffers.
 *
 *      page 0: 32 rows │ page 1: 32 rows │ … │ page n: up to 4,096 rows, some still free
 *
 * One growing array would be copied as a whole each time it grows, counts against the heap of its
 * thread, and ends the whole process at the size that the engine can hold. Pages are added at the
 * end and dropped from the end; a new one is at most half as large as all before it, so that a
 * short table is small and a long one wastes little.
 *
 * The first columns ascend; a page stores them relative to its first row, so numbers of any size
 * fit in 32 bits.
 */
import { assert } from "../base/index.ts";

const pageRowsMin = 32;
const pageRowsMax = 4_096;
const cellBytes = 4;
const cellMax = 0xffff_ffff;

interface Page {
  /** Number of its first row in the table. */
  readonly start: number;
  readonly capacity: number;
  /** The ascending cells of its first row. */
  readonly bases: readonly number[];
  /** One column behind the other. */
  readonly cells: Uint32Array;
}

export class PagedColumns {
  readonly #columns: number;
  /** So many columns, from the first on, ascend from row to row. */
  readonly #ascending: number;
  readonly #pages: Page[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(columns: number, ascending: number) {
    this.#columns = columns;
    this.#ascending = ascending;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Memory of all pages. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory that a few rows more take: nothing if the newest page has room for them. */
  growth(rows: number): number {
    const newest = this.#pages.at(-1);
    if (newest !== undefined && this.#rows + rows <= newest.start + newest.capacity) return 0;
    return this.#nextPageRows * this.#columns * cellBytes;
  }

  /** Adds a row whose cells stand in a list, from a place on. */
  push(cells: readonly number[], from = 0): void {
    const page = this.#pageFor(cells, from);
    const row = this.#rows - page.start;
    for (let column = 0; column < this.#columns; column += 1) {
      const value = (cells[from + column] ?? 0) - (page.bases[column] ?? 0);
      assert(value >= 0 && value <= cellMax, "a cell is a u32");
      page.cells[column * page.capacity + row] = value;
    }
    this.#rows += 1;
  }

  get(row: number, column: number): number {
    assert(row >= 0 && row < this.#rows, "row lies in the table");
    return cellOf(this.#pageOf(row), row, column);
  }

  /** All cells of a row. */
  row(row: number): number[] {
    assert(row >= 0 && row < this.#rows, "row lies in the table");
    const page = this.#pageOf(row);
    const cells: number[] = [];
    for (let column = 0; column < this.#columns; column += 1) {
      cells.push(cellOf(page, row, column));
    }
    return cells;
  }

  /** Drops every row from this one on, and the pages that held nothing else. */
  truncate(rows: number): void {
    assert(rows <= this.#rows, "a table is cut, not extended");
    this.#rows = rows;
    for (let page = this.#pages.at(-1); page !== undefined; page = this.#pages.at(-1)) {
      if (page.start < rows) return;
      this.#pages.pop();
      this.#bytes -= page.cells.byteLength;
    }
  }

  /** The last row whose first cell is at most this value, or -1. */
  lastNotAbove(value: number): number {
    let at = this.#pages.length - 1;
    if ((this.#pages[at]?.bases[0] ?? 0) > value) at = this.#searchFirst(value);
    const page = this.#pages[at];
    if (page === undefined) return -1;
    let lo = page.start;
    let hi = (this.#pages[at + 1]?.start ?? this.#rows) - 1;
    while (lo < hi) {
      const middle = Math.floor((lo + hi + 1) / 2);
      if (cellOf(page, middle, 0) <= value) lo = middle;
      else hi = middle - 1;
    }
    return lo;
  }

  #pageOf(row: number): Page {
    const newest = this.#pages.at(-1);
    if (newest !== undefined && newest.start <= row) return newest;
    const page = this.#pages[this.#search(row)];
    assert(page !== undefined, "each row has its page");
    return page;
  }

  /** The last page that begins at or before a row, or -1. */
  #search(row: number): number {
    let below = -1;
    let above = this.#pages.length;
    while (above - below > 1) {
      const middle = (below + above) >>> 1;
      if ((this.#pages[middle]?.start ?? 0) <= row) below = middle;
      else above = middle;
    }
    return below;
  }

  /** The last page whose first cell is at most this value, or -1. */
  #searchFirst(value: number): number {
    let below = -1;
    let above = this.#pages.length;
    while (above - below > 1) {
      const middle = (below + above) >>> 1;
      if ((this.#pages[middle]?.bases[0] ?? 0) <= value) below = middle;
      else above = middle;
    }
    return below;
  }

  get #nextPageRows(): number {
    return Math.max(pageRowsMin, Math.min(pageRowsMax, this.#rows >>> 1));
  }

  #pageFor(cells: readonly number[], from: number): Page {
    const newest = this.#pages.at(-1);
    if (newest !== undefined && this.#takes(newest, cells, from)) return newest;
    const capacity = this.#nextPageRows;
    const page: Page = {
      start: this.#rows,
      capacity,
      bases: cells.slice(from, from + this.#ascending),
      cells: new Uint32Array(new ArrayBuffer(capacity * this.#columns * cellBytes)),
    };
    this.#pages.push(page);
    this.#bytes += page.cells.byteLength;
    return page;
  }

  #takes(page: Page, cells: readonly number[], from: number): boolean {
    if (this.#rows - page.start === page.capacity) return false;
    for (let column = 0; column < this.#ascending; column += 1) {
      if ((cells[from + column] ?? 0) - (page.bases[column] ?? 0) > cellMax) return false;
    }
    return true;
  }
}

function cellOf(page: Page, row: number, column: number): number {
  const cell = page.cells[column * page.capacity + row - page.start];
  assert(cell !== undefined, "row lies in its page");
  return cell + (page.bases[column] ?? 0);
}
