import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c, encodeFrame, encodeFrameParts, wholeFrame } from "../../../src/wire/index.ts";

const large = Uint8Array.from({ length: 70_000 }, (_, at) => (at * 37) & 0xff);

function partsOf(values: readonly unknown[], places: readonly number[]): readonly Uint8Array[] {
  const apart = places.map((at) => {
    const bytes = values[at];
    assert.ok(bytes instanceof Uint8Array);
    return { at, bytes, checksum: crc32c(bytes) };
  });
  return encodeFrameParts(values, apart);
}

test("a frame in parts has the bytes of the same frame in one piece", () => {
  const small = large.subarray(0, 20);
  const numbers = Array.from({ length: 300 }, (_, at) => at * 1_000);
  const many = Array.from({ length: 70_000 }, () => 7);
  const cases: [readonly unknown[], readonly number[]][] = [
    [[1, large], [1]],
    [[1, small, 2], [1]],
    [
      [1, large.subarray(0, 200), 2, large.subarray(5, 900), large, 3, 4],
      [1, 3, 4],
    ],
    [[1, ...numbers, large, ...numbers], [301]],
    [[1, large, ...many], [1]],
    [[1, ...many, large], [70_001]],
  ];
  for (const [values, places] of cases) {
    const parts = partsOf(values, places);
    assert.ok(parts.length >= 2 * places.length, "each of them is a part of its own");
    assert.deepEqual(Buffer.from(wholeFrame(parts)), encodeFrame(values));
  }
});

test("large bytes leave from where they are", () => {
  const [, part] = partsOf([1, large, 2], [1]);
  assert.equal(part, large);
});
