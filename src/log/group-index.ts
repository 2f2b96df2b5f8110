/**
 * Where the entries of one group lie. Adjacent blocks of one record and one term are one row: what
 * a block is made of stands in the record's directory, where the row says that it begins.
 *
 *      row    first 7, term 3, record 41        record 41: directory │ … │ payload
 *                              headerAt ──────────────────► block 7, block 9, …
 *                              offset ─────────────────────────────────────► bytes of 7, of 9, …
 *
 * The newest rows are in a plain array, so that an idle group with a block or two costs one small
 * array; the others are in pages off the heap, 24 bytes a row.
 *
 * A row holds a check over the numbers of its blocks as they were written, or found sound at open:
 * the record's checksum is looked at only then, and a block's own covers its bytes alone.
 *
 * Invariant: rows ascend in `first`. A row that ends behind the first entry of the next was cut by
 * it: its last entries are gone for good and must never be seen again.
 */
import { assert } from "../base/index.ts";
import type { Index, Term } from "../base/index.ts";
import type { TermRun } from "./log-store.ts";
import { PagedColumns } from "./paged-columns.ts";
import type { BlockHeader } from "./record-directory.ts";
import type { Sequence } from "./record-format.ts";

const columns = { first: 0, sequence: 1, term: 2, headerAt: 3, offset: 4, check: 5 } as const;
const rowCells = 6;
/** The first three only ever grow. */
const ascendingCells = 3;
/** Newest rows, in the array: one page more goes off the heap when there are so many. */
const recentRowsMax = 32;
/** Blocks of a row: a reader of any of them reads the numbers of all. */
const rowBlocksMax = 64;
const heapCellBytes = 8;
const noRows = new PagedColumns(rowCells, ascendingCells);

/** Memory of a row that is not in a page yet. */
const newRowBytes = rowCells * heapCellBytes;

/** Adjacent entries of one record and one term. */
export interface IndexedRow {
  readonly sequence: Sequence;
  readonly first: Index;
  readonly term: Term;
  /** Just after the last entry that still counts. */
  readonly end: Index;
  /** Where the numbers of its first block begin in the record. */
  readonly headerAt: number;
  /** Where the bytes of its first block begin in the record. */
  readonly offset: number;
  /** Blocks as they were written, cut off ones included. */
  readonly blocks: number;
  /** `checkOf` over them. */
  readonly check: number;
}

/** Where a record has a block. */
export interface BlockPlace {
  readonly sequence: Sequence;
  readonly headerAt: number;
  readonly offset: number;
}

export class GroupIndex {
  #recent: number[] = [];
  /** Rows before those. Most groups of a quiet shard have none. */
  #paged: PagedColumns | undefined;
  #lastIndex: Index = 0;

  /** Index of the last entry, 0 if there is none. */
  get lastIndex(): Index {
    return this.#lastIndex;
  }

  get rowCount(): number {
    return this.#pagedRows + this.#recent.length / rowCells;
  }

  /** Memory of the rows. */
  get bytes(): number {
    return (this.#paged?.bytes ?? 0) + this.#recent.length * heapCellBytes;
  }

  /** Memory that so many blocks more may take: a row each, and a page for those before them. */
  growth(blocks: number): number {
    const rows = this.#recent.length / rowCells + blocks;
    if (rows <= recentRowsMax) return blocks * newRowBytes;
    return blocks * newRowBytes + (this.#paged ?? noRows).growth(recentRowsMax);
  }

  /**
   * Adds a block, which replaces everything from its first entry on, also what lies after its last
   * one: the leader that sent it has not vouched for those entries. Blocks of one record must stand
   * side by side in it.
   */
  append(block: BlockHeader, place: BlockPlace): void {
    const { first, count, term } = block;
    assert(first >= 1 && first <= this.#lastIndex + 1, "block leaves no gap");
    assert(count >= 1, "block holds an entry");
    if (first <= this.#lastIndex) this.#dropFrom(first);
    else if (this.#join(block, place.sequence)) return;
    const newest = this.rowCount - 1;
    assert(newest < 0 || this.#cell(newest, columns.first) < first, "rows ascend in first");
    const { sequence, headerAt, offset } = place;
    const check = checkOf(0, block);
    if (this.#recent.length === 0) {
      // Most groups of a quiet shard have one row; an array that was pushed to has room for more.
      this.#recent = [first, sequence, term, headerAt, offset, check];
    } else {
      if (this.#recent.length === recentRowsMax * rowCells) this.#page();
      this.#recent.push(first, sequence, term, headerAt, offset, check);
    }
    this.#lastIndex = first + count - 1;
  }

  /** The row that holds an entry, or -1 if the log has no such entry. */
  rowOf(index: Index): number {
    if (index < 1 || index > this.#lastIndex) return -1;
    // Appends and readers that keep up ask for the newest rows.
    let hi = this.#recent.length / rowCells - 1;
    if (hi < 0 || this.#recentCell(0, columns.first) > index) {
      return this.#paged?.lastNotAbove(index) ?? -1;
    }
    if (this.#recentCell(hi, columns.first) <= index) return this.#pagedRows + hi;
    let lo = 0;
    while (lo < hi) {
      const middle = (lo + hi + 1) >>> 1;
      if (this.#recentCell(middle, columns.first) <= index) lo = middle;
      else hi = middle - 1;
    }
    return this.#pagedRows + lo;
  }

  /** The record that holds an entry, 0 if there is no such entry. */
  sequenceAt(index: Index): Sequence {
    const row = this.rowOf(index);
    return row === -1 ? 0 : this.#cell(row, columns.sequence);
  }

  row(row: number): IndexedRow {
    const end = row + 1 < this.rowCount ? this.#cell(row + 1, columns.first) : this.#lastIndex + 1;
    const at = (row - this.#pagedRows) * rowCells;
    const cells = at < 0 ? this.#paged?.row(row) : this.#recent.slice(at, at + rowCells);
    assert(cells?.length === rowCells, "row lies in the index");
    const [first = 0, sequence = 0, term = 0, headerAt = 0, offset = 0, check = 0] = cells;
    return {
      sequence,
      first,
      term,
      end,
      headerAt,
      offset,
      blocks: (check % rowBlocksMax) + 1,
      check,
    };
  }

  /** Term of an entry; 0 if the log has no such entry, as for the place before the first. */
  termAt(index: Index): Term {
    const row = this.rowOf(index);
    return row === -1 ? 0 : this.#cell(row, columns.term);
  }

  termRuns(): TermRun[] {
    const runs: TermRun[] = [];
    const rows = this.rowCount;
    let last: Term | undefined;
    for (let row = 0; row < rows; row += 1) {
      const term = this.#cell(row, columns.term);
      if (term !== last) runs.push({ first: this.#cell(row, columns.first), term });
      last = term;
    }
    return runs;
  }

  get #pagedRows(): number {
    return this.#paged?.rows ?? 0;
  }

  /** Whether a block that follows the last entry has become part of the newest row. */
  #join(block: BlockHeader, sequence: Sequence): boolean {
    // A row that blocks still join is the newest, and not in a page yet.
    const row = this.#recent.length - rowCells;
    if (row < 0 || this.#recent[row + columns.sequence] !== sequence) return false;
    const check = this.#recent[row + columns.check] ?? 0;
    if (this.#recent[row + columns.term] !== block.term) return false;
    if (check % rowBlocksMax === rowBlocksMax - 1) return false;
    this.#recent[row + columns.check] = checkOf(check + 1, block);
    this.#lastIndex += block.count;
    return true;
  }

  /** Drops the rows that begin at an entry or behind it. */
  #dropFrom(first: Index): void {
    let rows = this.#recent.length / rowCells;
    while (rows > 0 && this.#recentCell(rows - 1, columns.first) >= first) rows -= 1;
    this.#recent.length = rows * rowCells;
    if (rows === 0) this.#paged?.truncate(this.#paged.lastNotAbove(first - 1) + 1);
  }

  /** Moves the newest rows into pages. */
  #page(): void {
    const paged = this.#paged ?? new PagedColumns(rowCells, ascendingCells);
    for (let at = 0; at < this.#recent.length; at += rowCells) paged.push(this.#recent, at);
    this.#paged = paged;
    this.#recent = [];
  }

  #cell(row: number, column: number): number {
    const paged = this.#pagedRows;
    if (row >= paged) return this.#recentCell(row - paged, column);
    return this.#paged?.get(row, column) ?? 0;
  }

  #recentCell(row: number, column: number): number {
    const value = this.#recent[row * rowCells + column];
    assert(value !== undefined, "row lies in the index");
    return value;
  }
}

/**
 * The check of a row with one block more. Its lowest bits count the blocks: `before` is 0 for the
 * first one, and the check of the row so far, raised by 1, for each next one.
 */
export function checkOf(before: number, block: BlockHeader): number {
  const { count, kind, timeMs, checksum } = block;
  let hash = Math.imul(before ^ checksum, 0x9e37_79b1);
  hash = Math.imul(hash ^ (hash >>> 15) ^ timeMs, 0x85eb_ca77);
  hash = Math.imul(hash ^ (hash >>> 13) ^ Math.floor(timeMs / 0x1_0000_0000), 0xc2b2_ae3d);
  hash = Math.imul(hash ^ (hash >>> 16) ^ (count * 4 + kind), 0x27d4_eb2f);
  hash ^= hash >>> 15;
  return (hash >>> 0) - ((hash >>> 0) % rowBlocksMax) + (before % rowBlocksMax);
}
