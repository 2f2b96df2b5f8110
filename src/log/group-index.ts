/**
 * Where the blocks of one group lie: a row of numbers for each block, in the order of the log. All
 * rows are in one flat array, so that a parked group costs one small array and a long log costs 72
 * bytes a block and nothing to collect.
 *
 * Invariant: rows ascend in `first`. A row that ends behind the first entry of the next was cut by
 * it: its last entries are gone for good and must never be seen again.
 */
import { assert } from "../base/index.ts";
import type { Index, Term } from "../base/index.ts";
import type { TermRun } from "./log-store.ts";
import { isBlockKind } from "./record.ts";
import type { BlockHeader, RecordedBlock, Sequence } from "./record.ts";

const columns = {
  sequence: 0,
  offset: 1,
  bytesLength: 2,
  first: 3,
  count: 4,
  term: 5,
  kind: 6,
  timeMs: 7,
  checksum: 8,
} as const;
const rowCells = 9;

/**
 * A block of the log and where it is stored. `count` and `checksum` are of the block as stored,
 * before it was cut.
 */
export interface IndexedBlock extends RecordedBlock {
  readonly sequence: Sequence;
  /** Just after the last entry that still counts. */
  readonly end: Index;
}

export class GroupIndex {
  #cells: number[] = [];
  #lastIndex: Index = 0;

  /** Index of the last entry, 0 where there is none. */
  get lastIndex(): Index {
    return this.#lastIndex;
  }

  get blockCount(): number {
    return this.#cells.length / rowCells;
  }

  /**
   * Adds a block, which replaces everything from its first entry on, also what lies after its last
   * one: the leader that sent it has not vouched for those entries.
   */
  append(block: BlockHeader, sequence: Sequence, offset: number, bytesLength: number): void {
    const { first, count, term, kind, timeMs, checksum } = block;
    assert(first >= 1 && first <= this.#lastIndex + 1, "block leaves no gap");
    assert(count >= 1, "block holds an entry");
    let rows = this.blockCount;
    while (rows > 0 && this.#cell(rows - 1, columns.first) >= first) rows -= 1;
    if (rows < this.blockCount) this.#cells.length = rows * rowCells;
    assert(rows === 0 || this.#cell(rows - 1, columns.first) < first, "rows ascend in first");
    if (this.#cells.length === 0) {
      // Most groups of a quiet shard have one block; an array that was pushed to has room for more.
      this.#cells = [sequence, offset, bytesLength, first, count, term, kind, timeMs, checksum];
    } else {
      this.#cells.push(sequence, offset, bytesLength, first, count, term, kind, timeMs, checksum);
    }
    this.#lastIndex = first + count - 1;
  }

  /** The row that holds an entry, or -1 where the log has no such entry. */
  rowOf(index: Index): number {
    if (index < 1 || index > this.#lastIndex) return -1;
    let hi = this.blockCount - 1;
    // Appends and readers that keep up ask for the newest block.
    if (this.#cell(hi, columns.first) <= index) return hi;
    let lo = 0;
    while (lo < hi) {
      const middle = (lo + hi + 1) >>> 1;
      if (this.#cell(middle, columns.first) <= index) lo = middle;
      else hi = middle - 1;
    }
    return lo;
  }

  /** The record that holds an entry, 0 where there is no such entry. */
  sequenceAt(index: Index): Sequence {
    const row = this.rowOf(index);
    return row === -1 ? 0 : this.#cell(row, columns.sequence);
  }

  block(row: number): IndexedBlock {
    const kind = this.#cell(row, columns.kind);
    assert(isBlockKind(kind), "index holds a block kind");
    return {
      sequence: this.#cell(row, columns.sequence),
      offset: this.#cell(row, columns.offset),
      bytesLength: this.#cell(row, columns.bytesLength),
      first: this.#cell(row, columns.first),
      count: this.#cell(row, columns.count),
      term: this.#cell(row, columns.term),
      kind,
      timeMs: this.#cell(row, columns.timeMs),
      checksum: this.#cell(row, columns.checksum),
      end: row + 1 < this.blockCount ? this.#cell(row + 1, columns.first) : this.#lastIndex + 1,
    };
  }

  /** Term of an entry; 0 where the log has no such entry, as for the place before the first. */
  termAt(index: Index): Term {
    const row = this.rowOf(index);
    return row === -1 ? 0 : this.#cell(row, columns.term);
  }

  termRuns(): TermRun[] {
    const runs: TermRun[] = [];
    let last: Term | undefined;
    for (let row = 0; row < this.blockCount; row += 1) {
      const term = this.#cell(row, columns.term);
      if (term !== last) runs.push({ first: this.#cell(row, columns.first), term });
      last = term;
    }
    return runs;
  }

  #cell(row: number, column: number): number {
    const value = this.#cells[row * rowCells + column];
    assert(value !== undefined, "row lies in the index");
    return value;
  }
}
