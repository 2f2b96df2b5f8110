import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GroupIndex } from "../../../src/log/group-index.ts";
import { blockKind } from "../../../src/raft/index.ts";

/** Appends a block whose numbers can be told apart from those of others. */
function append(index: GroupIndex, first: number, count: number, term: number): void {
  const header = { first, count, term, kind: blockKind.noop, timeMs: first * 10, checksum: term };
  index.append(header, term, first * 100, count * 7);
}

test("GroupIndex.block() gives back each number of a block", () => {
  const index = new GroupIndex();
  append(index, 1, 3, 5);
  assert.deepEqual(index.block(0), {
    sequence: 5,
    offset: 100,
    bytesLength: 21,
    first: 1,
    count: 3,
    term: 5,
    kind: blockKind.noop,
    timeMs: 10,
    checksum: 5,
    end: 4,
  });
});

test("GroupIndex.rowOf() finds the block of each entry and none beside the log", () => {
  const index = new GroupIndex();
  append(index, 1, 3, 1);
  append(index, 4, 1, 1);
  append(index, 5, 10, 2);
  const rows = [0, 1, 2, 3, 4, 5, 14, 15].map((at) => index.rowOf(at));
  assert.deepEqual(rows, [-1, 0, 0, 0, 1, 2, 2, -1]);
  assert.equal(new GroupIndex().rowOf(1), -1);
});

test("GroupIndex.append() cuts the block that it begins in, and drops those behind", () => {
  const index = new GroupIndex();
  append(index, 1, 5, 1);
  append(index, 6, 5, 1);
  append(index, 3, 1, 2);
  assert.equal(index.lastIndex, 3);
  assert.equal(index.blockCount, 2);
  assert.deepEqual([index.block(0).count, index.block(0).end], [5, 3]);
  append(index, 4, 1, 2);
  assert.deepEqual([index.block(0).end, index.block(1).end, index.block(2).end], [3, 4, 5]);
  assert.deepEqual(index.termRuns(), [
    { first: 1, term: 1 },
    { first: 3, term: 2 },
  ]);
});

test("GroupIndex.append() refuses a gap, an entry before the first, and an empty block", () => {
  const index = new GroupIndex();
  append(index, 1, 1, 1);
  assert.throws(() => append(index, 3, 1, 1), /gap/);
  assert.throws(() => append(index, 0, 1, 1), /gap/);
  assert.throws(() => append(index, 2, 0, 1), /entry/);
});

test("GroupIndex agrees with a plain list of entries over any appends", () => {
  const step = fc.record({ back: fc.nat(12), count: fc.integer({ min: 1, max: 6 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const index = new GroupIndex();
      /** Per entry the step that wrote it. */
      const model: number[] = [];
      for (const [at, { back, count }] of steps.entries()) {
        const first = Math.max(1, model.length + 1 - back);
        append(index, first, count, at);
        model.length = first - 1;
        for (let i = 0; i < count; i += 1) model.push(at);
        assert.equal(index.lastIndex, model.length);
        for (const [place, writer] of model.entries()) {
          const block = index.block(index.rowOf(place + 1));
          assert.equal(block.sequence, writer);
          assert.equal(index.termAt(place + 1), writer);
          assert.ok(block.first <= place + 1 && place + 1 < block.end);
        }
        assert.equal(index.termAt(model.length + 1), 0);
      }
    }),
  );
});
