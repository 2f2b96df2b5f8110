import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  EntryCursor,
  blockKind,
  countEntries,
  decodeEntries,
  encodeEntries,
  entryHeaderBytes,
  sliceBlock,
} from "../../src/raft/index.ts";
import type { Block } from "../../src/raft/index.ts";
import { checksumOf } from "../datadriven/simulated-disk.ts";
import { repeatable } from "./raft-repeat.ts";

const entries = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 12 });

function blockOf(texts: readonly Uint8Array[], first: number): Block {
  const bytes = encodeEntries(texts);
  return {
    first,
    term: 3,
    kind: blockKind.command,
    count: texts.length,
    timeMs: 1,
    checksum: checksumOf(bytes),
    bytes,
  };
}

for (const length of [0, 1, 23, 24, 255, 256, 65_535, 65_536, 70_000]) {
  test(`an entry of ${length} bytes survives encoding and decoding`, () => {
    const entry = new Uint8Array(length).fill(0x5a);
    const block = blockOf([entry, new Uint8Array([1]), entry], 1);
    assert.equal(block.bytes.length, 2 * (entryHeaderBytes(length) + length) + 2);
    assert.equal(countEntries(block.bytes), 3);
    assert.deepEqual(decodeEntries(block), [entry, new Uint8Array([1]), entry]);
  });
}

test("the header of an entry is the shortest CBOR allows, and no other is accepted", () => {
  assert.deepEqual(encodeEntries([new Uint8Array(23)])[0], 0x57);
  assert.deepEqual([...encodeEntries([new Uint8Array(24)]).subarray(0, 2)], [0x58, 24]);
  assert.deepEqual([...encodeEntries([new Uint8Array(256)]).subarray(0, 3)], [0x59, 1, 0]);
  assert.deepEqual([...encodeEntries([new Uint8Array(65_536)]).subarray(0, 5)], [0x5a, 0, 1, 0, 0]);
  for (const head of [
    [0x58, 23],
    [0x59, 0, 255],
    [0x5a, 0, 0, 255, 255],
    [0x5b, 0, 0, 0, 0, 0, 1, 0, 0],
    [0x5f],
  ]) {
    const bytes = new Uint8Array(70_000);
    bytes.set(head);
    assert.equal(countEntries(bytes), -1, `header ${head.join(" ")}`);
  }
});

test("any entries survive encoding, counting and decoding", () => {
  fc.assert(
    fc.property(entries, (texts) => {
      const block = blockOf(texts, 1);
      assert.equal(countEntries(block.bytes), texts.length);
      assert.deepEqual(
        decodeEntries(block).map((bytes) => [...bytes]),
        texts.map((bytes) => [...bytes]),
      );
    }),
    repeatable(500),
  );
});

test("EntryCursor walks arbitrary bytes to an end, inside them, and always forward", () => {
  const anyByte = fc.integer({ min: 0, max: 255 });
  const likelyHead = fc.constantFrom(0x40, 0x41, 0x44, 0x57, 0x58, 0x59, 0x5a, 0x5b, 0, 24);
  const bytes = fc.array(fc.oneof(anyByte, likelyHead), { maxLength: 80 });
  fc.assert(
    fc.property(bytes, (given) => {
      const walked = Uint8Array.from(given);
      const cursor = new EntryCursor();
      cursor.reset(walked);
      let count = 0;
      let last = 0;
      while (cursor.next()) {
        assert.ok(cursor.start > last || (count === 0 && cursor.start > 0));
        assert.ok(cursor.end >= cursor.start && cursor.end <= walked.length);
        last = cursor.end;
        count += 1;
        assert.ok(count <= walked.length);
      }
      assert.equal(cursor.next(), false, "an ended walk stays ended");
      assert.equal(countEntries(walked), last === walked.length ? count : -1);
    }),
    repeatable(3000),
  );
});

test("bytes cut anywhere are entries only where an entry ends", () => {
  fc.assert(
    fc.property(entries, (texts) => {
      const { bytes } = blockOf(texts, 1);
      const ends = new Map([[0, 0]]);
      let end = 0;
      for (const [at, text] of texts.entries()) {
        end += entryHeaderBytes(text.length) + text.length;
        ends.set(end, at + 1);
      }
      for (let cut = 0; cut <= bytes.length; cut += 1) {
        assert.equal(countEntries(bytes.subarray(0, cut)), ends.get(cut) ?? -1);
      }
    }),
    repeatable(200),
  );
});

test("sliceBlock() holds just the entries asked for, with a checksum of its own, over the same memory", () => {
  fc.assert(
    fc.property(entries, fc.nat(), fc.nat(), (texts, x, y) => {
      const block = blockOf(texts, 100);
      const from = 100 + (x % texts.length);
      const to = from + 1 + (y % (100 + texts.length - from));
      const slice = sliceBlock(block, from, to, checksumOf);
      assert.deepEqual([slice.first, slice.count, slice.term], [from, to - from, 3]);
      assert.equal(slice.checksum, checksumOf(slice.bytes));
      assert.equal(slice.bytes.buffer, block.bytes.buffer);
      assert.deepEqual(
        decodeEntries(slice).map((bytes) => [...bytes]),
        texts.slice(from - 100, to - 100).map((bytes) => [...bytes]),
      );
    }),
    repeatable(500),
  );
});

test("sliceBlock() refuses a range outside its block, and an empty one", () => {
  const block = blockOf([new Uint8Array(1), new Uint8Array(2)], 5);
  for (const [from, to] of [
    [4, 6],
    [5, 8],
    [6, 6],
    [7, 8],
  ] as const) {
    assert.throws(() => sliceBlock(block, from, to, checksumOf), /slice lies inside its block/);
  }
});
