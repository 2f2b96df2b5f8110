import assert from "node:assert/strict";
import { test } from "node:test";
import { ResultSlab } from "../../../src/engine/result-slab.ts";

test("ResultSlab copies results of every size, each apart from its neighbours and its source", () => {
  const slab = new ResultSlab();
  const source = Uint8Array.from({ length: 300 }, (_, at) => at & 0xff);
  const copies = Array.from({ length: 2_000 }, (_, length) =>
    slab.copy(source, 3, 3 + (length % 200)),
  );
  source.fill(0);
  for (const [length, copy] of copies.entries()) {
    assert.deepEqual(
      [...copy],
      Array.from({ length: length % 200 }, (_, at) => (at + 3) & 0xff),
    );
  }
});

test("a small result cannot be transferred: its neighbours' bytes would go with it", () => {
  const slab = new ResultSlab();
  const first = slab.copy(new Uint8Array([1, 2]), 0, 2);
  const second = slab.copy(new Uint8Array([3]), 0, 1);
  assert.equal(first.buffer, second.buffer);
  const { buffer } = first;
  assert.ok(buffer instanceof ArrayBuffer);
  try {
    structuredClone(buffer, { transfer: [buffer] });
  } catch {
    // Newer versions of Node refuse; older ones copy instead of transferring.
  }
  assert.deepEqual([...second], [3]);
});
