import { assert } from "../base/index.ts";
import type { Sequence } from "./record.ts";
import type { SegmentNumber } from "./segment-format.ts";

/** Where a record's bytes lie. */
export interface RecordPlace {
  readonly segment: SegmentNumber;
  readonly at: number;
  readonly bytes: number;
}

const cellsEach = 3;

/** Where each record lies: three numbers a record in one flat array, as in GroupIndex. */
export class RecordPlaces {
  readonly #cells: number[] = [];

  get count(): number {
    return this.#cells.length / cellsEach;
  }

  /** Of the record after the last one. */
  add({ segment, at, bytes }: RecordPlace): void {
    this.#cells.push(segment, at, bytes);
  }

  get(sequence: Sequence): RecordPlace | undefined {
    if (sequence < 1 || sequence > this.count) return undefined;
    const first = (sequence - 1) * cellsEach;
    return { segment: this.#cell(first), at: this.#cell(first + 1), bytes: this.#cell(first + 2) };
  }

  #cell(at: number): number {
    const value = this.#cells[at];
    assert(value !== undefined, "a place has its cells");
    return value;
  }
}
