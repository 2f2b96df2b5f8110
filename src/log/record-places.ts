import { PagedColumns } from "./paged-columns.ts";
import type { Sequence } from "./record-format.ts";
import type { SegmentNumber } from "./segment-format.ts";

/** Where a record's bytes lie. */
export interface RecordPlace {
  readonly segment: SegmentNumber;
  readonly at: number;
  readonly bytes: number;
}

const columns = { segment: 0, at: 1, bytes: 2 } as const;

/** Where each record lies: 12 bytes a record, off the heap. */
export class RecordPlaces {
  readonly #rows = new PagedColumns(3, 1);

  get count(): number {
    return this.#rows.rows;
  }

  /** Memory of all places. */
  get bytes(): number {
    return this.#rows.bytes;
  }

  /** Of the record after the last one. */
  add({ segment, at, bytes }: RecordPlace): void {
    this.#rows.push([segment, at, bytes]);
  }

  get(sequence: Sequence): RecordPlace | undefined {
    const row = sequence - 1;
    if (row < 0 || row >= this.count) return undefined;
    return {
      segment: this.#rows.get(row, columns.segment),
      at: this.#rows.get(row, columns.at),
      bytes: this.#rows.get(row, columns.bytes),
    };
  }
}
