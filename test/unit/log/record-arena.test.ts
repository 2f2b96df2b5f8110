import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RecordArena } from "../../../src/log/record-arena.ts";

test("RecordArena forgets the oldest records when it runs full", () => {
  const arena = new RecordArena(100);
  for (const sequence of [1, 2, 3]) arena.reserve(sequence, 30).fill(sequence);
  arena.reserve(4, 30).fill(4);
  assert.equal(arena.get(1), undefined);
  assert.deepEqual([...(arena.get(2) ?? [])], Array(30).fill(2));
  assert.deepEqual([...(arena.get(4) ?? [])], Array(30).fill(4));
});

test("RecordArena gives a record that is too large memory of its own and does not keep it", () => {
  const arena = new RecordArena(100);
  arena.reserve(1, 100).fill(1);
  assert.equal(arena.reserve(2, 101).length, 101);
  assert.equal(arena.get(2), undefined);
  assert.equal(arena.get(1)?.length, 100);
});

test("RecordArena never hands out bytes that another record overwrote", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 110 }), { maxLength: 80 }), (sizes) => {
      const arena = new RecordArena(100);
      for (const [sequence, size] of sizes.entries()) {
        arena.reserve(sequence, size).fill(sequence);
        for (let at = 0; at <= sequence; at += 1) {
          const kept = arena.get(at);
          if (kept === undefined) continue;
          assert.equal(kept.length, sizes[at]);
          assert.ok(kept.every((byte) => byte === at));
        }
        if (size <= 100) assert.ok(arena.get(sequence) !== undefined);
      }
    }),
  );
});
