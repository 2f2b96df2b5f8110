import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GroupIndex, checkOf } from "../../../src/log/group-index.ts";
import { PagedColumns } from "../../../src/log/paged-columns.ts";
import { blockKind } from "../../../src/raft/index.ts";

const { noop } = blockKind;

/** Appends a block whose numbers can be told apart from those of others, in a record of its own. */
function append(index: GroupIndex, first: number, count: number, term: number): void {
  const header = { first, count, term, kind: noop, timeMs: first * 10, checksum: term };
  index.append(header, { sequence: term, headerAt: first * 100, offset: first * 7 });
}

test("GroupIndex.row() gives back each number of a block", () => {
  const index = new GroupIndex();
  append(index, 1, 3, 5);
  assert.deepEqual(index.row(0), {
    sequence: 5,
    first: 1,
    term: 5,
    end: 4,
    headerAt: 100,
    offset: 7,
    blocks: 1,
    check: checkOf(0, { first: 1, count: 3, term: 5, kind: noop, timeMs: 10, checksum: 5 }),
  });
});

test("GroupIndex holds adjacent blocks of one record and one term as one row, 64 at most", () => {
  const index = new GroupIndex();
  const place = { sequence: 9, headerAt: 40, offset: 900 };
  const headers = Array.from({ length: 100 }, (_, at) => {
    const term = at < 80 ? 1 : 2;
    return { first: at * 2 + 1, count: 2, term, kind: noop, timeMs: at, checksum: at };
  });
  for (const header of headers) index.append(header, place);
  const rows = [0, 1, 2].map((row) => index.row(row));
  assert.equal(index.rowCount, 3);
  assert.deepEqual(
    rows.map(({ first, end, term, blocks }) => [first, end, term, blocks]),
    [
      [1, 129, 1, 64],
      [129, 161, 1, 16],
      [161, 201, 2, 20],
    ],
  );
  append(index, 201, 1, 2);
  assert.equal(index.rowCount, 4, "another record begins another row");
  append(index, 140, 1, 3);
  assert.deepEqual([index.row(1).end, index.row(1).blocks, index.lastIndex], [140, 16, 140]);
});

test("the check of a row changes with each number of each of its blocks", () => {
  const header = { first: 1, term: 1, count: 1, kind: noop, timeMs: 2 ** 41 + 5, checksum: 77 };
  const row = (one: typeof header): number => checkOf(checkOf(0, one) + 1, header);
  const sound = row(header);
  const names = ["count", "kind", "checksum"] as const;
  for (const name of names) {
    for (let bit = 0; bit < 32; bit += 1) {
      const damaged = { ...header, [name]: (header[name] ^ (1 << bit)) >>> 0 };
      // The count is shifted by the two bits of the kind.
      if (name !== "count" || bit < 30) assert.notEqual(row(damaged), sound, `${name} ${bit}`);
    }
  }
  for (let bit = 0; bit < 53; bit += 1) {
    const timeMs = header.timeMs + (Math.floor(header.timeMs / 2 ** bit) % 2 ? -1 : 1) * 2 ** bit;
    assert.notEqual(row({ ...header, timeMs }), sound, `timeMs ${bit}`);
  }
});

test("PagedColumns gives back what was pushed, over any pushes and cuts, and frees its pages", () => {
  const step = fc.record({ rows: fc.nat(3_000), leap: fc.nat(40), keep: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const table = new PagedColumns(3, 2);
      const model: number[][] = [];
      for (const { rows, leap, keep } of steps) {
        for (let i = 0; i < rows; i += 1) {
          const [first, second] = model.at(-1) ?? [0, 0];
          // Some numbers lie more than 2^32 apart.
          const next = (first ?? 0) + 1 + (i % 1_000 === 0 ? 2 ** leap : 0);
          const row = [next, (second ?? 0) + leap, (next * 31) % 2 ** 32];
          model.push(row);
          table.push([0, ...row], 1);
        }
        const kept = Math.floor((model.length * keep) / 100);
        model.length = kept;
        table.truncate(kept);
        assert.equal(table.rows, kept);
        for (let row = 0; row < kept; row += 97) {
          assert.deepEqual(
            [0, 1, 2].map((column) => table.get(row, column)),
            model[row],
          );
          assert.equal(table.lastNotAbove(model[row]?.[0] ?? 0), row);
          assert.equal(table.lastNotAbove((model[row]?.[0] ?? 0) - 1), row - 1);
        }
      }
      table.truncate(0);
      assert.equal(table.bytes, 0);
    }),
  );
});

test("GroupIndex.rowOf() finds the block of each entry and none beside the log", () => {
  const index = new GroupIndex();
  append(index, 1, 3, 1);
  append(index, 4, 1, 2);
  append(index, 5, 10, 3);
  const rows = [0, 1, 2, 3, 4, 5, 14, 15].map((at) => index.rowOf(at));
  assert.deepEqual(rows, [-1, 0, 0, 0, 1, 2, 2, -1]);
  assert.equal(new GroupIndex().rowOf(1), -1);
});

test("GroupIndex.append() cuts the block that it begins in, and drops those behind", () => {
  const index = new GroupIndex();
  append(index, 1, 5, 1);
  append(index, 6, 5, 2);
  append(index, 3, 1, 3);
  assert.equal(index.lastIndex, 3);
  assert.equal(index.rowCount, 2);
  assert.equal(index.row(0).end, 3);
  append(index, 4, 1, 4);
  assert.deepEqual([index.row(0).end, index.row(1).end, index.row(2).end], [3, 4, 5]);
  assert.deepEqual(index.termRuns(), [
    { first: 1, term: 1 },
    { first: 3, term: 3 },
    { first: 4, term: 4 },
  ]);
});

test("GroupIndex.append() refuses a gap, an entry before the first, and an empty block", () => {
  const index = new GroupIndex();
  append(index, 1, 1, 1);
  assert.throws(() => append(index, 3, 1, 1), /gap/);
  assert.throws(() => append(index, 0, 1, 1), /gap/);
  assert.throws(() => append(index, 2, 0, 1), /entry/);
});

test("GroupIndex keeps rows of a long log off the heap and frees those that are cut", () => {
  const index = new GroupIndex();
  for (let at = 1; at <= 100_000; at += 1) append(index, at, 1, at);
  assert.ok(index.bytes < 100_000 * 24 * 1.2, `${index.bytes} bytes for 100,000 rows`);
  for (let at = 1; at <= 100_000; at += 999) assert.equal(index.sequenceAt(at), at);
  append(index, 50_000, 1, 200_000);
  assert.ok(index.bytes < 50_000 * 24 * 1.5, `${index.bytes} bytes for 50,000 rows`);
  assert.deepEqual([index.sequenceAt(49_999), index.sequenceAt(50_000)], [49_999, 200_000]);
  assert.equal(index.row(49_998).end, 50_000);
  append(index, 1, 1, 200_001);
  assert.deepEqual([index.rowCount, index.lastIndex], [1, 1]);
});

test("GroupIndex agrees with a plain list of entries over any appends", () => {
  const step = fc.record({ back: fc.nat(12), count: fc.integer({ min: 1, max: 6 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 31, 90), (steps, grown) => {
      const index = new GroupIndex();
      // In a run over pages, too.
      for (let at = 1; at <= grown; at += 1) append(index, at, 1, 0);
      /** Per entry the step that wrote it. */
      const model = new Array<number>(grown).fill(0);
      for (const [at, { back, count }] of steps.entries()) {
        const first = Math.max(1, model.length + 1 - back);
        append(index, first, count, at + 1);
        model.length = first - 1;
        for (let i = 0; i < count; i += 1) model.push(at + 1);
        assert.equal(index.lastIndex, model.length);
        for (const [place, writer] of model.entries()) {
          const row = index.row(index.rowOf(place + 1));
          assert.equal(row.sequence, writer);
          assert.equal(index.termAt(place + 1), writer);
          assert.ok(row.first <= place + 1 && place + 1 < row.end);
        }
        assert.equal(index.termAt(model.length + 1), 0);
      }
    }),
  );
});
