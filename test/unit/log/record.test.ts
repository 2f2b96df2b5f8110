import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RaftError } from "../../../src/base/index.ts";
import type { GroupChange } from "../../../src/log/index.ts";
import { damagedBlock, decodeRecord } from "../../../src/log/record.ts";
import { blockKind } from "../../../src/raft/index.ts";
import { makeBlock } from "../../../src/testing/index.ts";
import { crc32c } from "../../../src/wire/index.ts";
import { recordOf } from "./record-of.ts";

const noBallot = { ballot: undefined };
const twoGroups: readonly GroupChange[] = [
  { group: 7, commit: 4, ...noBallot, blocks: [makeBlock(5, 2, [Buffer.from("five")])] },
  {
    group: 0xffff_ffff,
    commit: 0,
    ballot: { term: 2 ** 53 - 1, vote: "node-1" },
    blocks: [
      makeBlock(1, 1, [Buffer.from("one"), Buffer.alloc(0)]),
      { ...makeBlock(3, 9, [Buffer.alloc(70_000)]), kind: blockKind.config },
    ],
  },
  { group: 0, commit: 0, ballot: { term: 1, vote: undefined }, blocks: [] },
];

function assertCorrupt(action: () => unknown, reason: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof RaftError);
    assert.equal(error.code, "ERR_STORE_CORRUPT");
    assert.match(error.message, reason);
    return true;
  });
}

/** The record with its checksum made right again after a change. */
function resealed(record: Uint8Array): Uint8Array {
  const view = new DataView(record.buffer);
  view.setUint32(8, crc32c(record.subarray(12, 28 + view.getUint32(20))));
  return record;
}

/** Groups of a record whose blocks are damaged. */
function damagedGroups(record: Uint8Array): number[] {
  return decodeRecord(record, 3)
    .filter(({ blocks }) => damagedBlock(record, blocks) !== undefined)
    .map(({ group }) => group);
}

test("decodeRecord gives back what encodeRecord was given, and where each block's bytes lie", () => {
  const record = recordOf(3, twoGroups);
  const decoded = decodeRecord(record, 3);
  assert.deepEqual(
    decoded.map(({ group, commit, ballot }) => ({ group, commit, ballot })),
    twoGroups.map(({ group, commit, ballot }) => ({ group, commit, ballot })),
  );
  const blocks = twoGroups.flatMap((change) => change.blocks);
  const found = decoded.flatMap((change) => change.blocks);
  assert.equal(found.length, blocks.length);
  for (const [at, block] of blocks.entries()) {
    const place = found[at];
    assert.ok(place !== undefined);
    const { headerAt, offset, bytesLength, ...header } = place;
    assert.ok(headerAt > 28 && headerAt < offset);
    const bytes = record.slice(offset, offset + bytesLength);
    assert.deepEqual({ ...header, bytes }, { ...block, bytes: new Uint8Array(block.bytes) });
  }
});

test("decodeRecord gives back any batch of numbers that encodeRecord was given", () => {
  const count = fc.nat(Number.MAX_SAFE_INTEGER);
  const plain = { noNullPrototype: true };
  const vote = fc.constantFrom(undefined, "a", "n".repeat(64));
  const ballot = fc.option(fc.record({ term: count, vote }, plain), { nil: undefined });
  const block = fc.record({ first: count, term: count, bytes: fc.uint8Array() }).map((fields) => ({
    ...fields,
    kind: blockKind.command,
    count: 1,
    timeMs: fields.first,
    checksum: crc32c(fields.bytes),
  }));
  const blocks = fc.array(block, { maxLength: 5 });
  const change = fc.record({ group: fc.nat(0xffff_ffff), commit: count, ballot, blocks }, plain);
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), count, (changes, sequence) => {
      const record = recordOf(sequence, changes);
      const restored = decodeRecord(record, sequence).map(({ blocks, ...rest }) => ({
        ...rest,
        blocks: blocks.map(({ headerAt, offset, bytesLength, ...header }) => {
          assert.ok(headerAt < offset);
          return { ...header, bytes: record.slice(offset, offset + bytesLength) };
        }),
      }));
      assert.deepEqual(restored, changes);
    }),
  );
});

test("any one bit changed in a record is found: in the payload as damage of its group alone", () => {
  const record = recordOf(3, twoGroups);
  const owners = decodeRecord(record, 3).flatMap(({ group, blocks }) =>
    blocks.map(({ offset, bytesLength }) => ({ group, offset, end: offset + bytesLength })),
  );
  const payloadAt = Math.min(...owners.map(({ offset }) => offset));
  const ownerOf = (at: number): number[] =>
    owners.filter(({ offset, end }) => at >= offset && at < end).map(({ group }) => group);
  assert.deepEqual(damagedGroups(record), []);
  // Of the long block some bytes stand for all.
  const places = [...record.keys()].filter((at) => at < 400 || at % 997 === 0);
  for (const at of places) {
    for (const bit of at < 200 ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8]) {
      const damaged = record.slice();
      damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
      if (at >= payloadAt) assert.deepEqual(damagedGroups(damaged), ownerOf(at));
      else assertCorrupt(() => decodeRecord(damaged, 3), /^Cannot trust the log: record 3 /);
    }
  }
});

test("decodeRecord refuses a record cut at every length, and one with a byte too many", () => {
  const record = recordOf(3, twoGroups.slice(0, 1));
  for (let length = 0; length < record.length; length += 1) {
    assertCorrupt(() => decodeRecord(record.slice(0, length), 3), /bytes/);
  }
  assertCorrupt(() => decodeRecord(Uint8Array.of(...record, 0), 3), /bytes and says/);
});

test("decodeRecord refuses a sound record under another number", () => {
  assertCorrupt(() => decodeRecord(recordOf(3, twoGroups), 4), /record 4 says it is record 3/);
});

test("decodeRecord refuses another version, magic, directory and payload, also where the checksum holds", () => {
  const change = (at: number, value: number): Uint8Array => {
    const record = recordOf(1, twoGroups);
    record[at] = value;
    return resealed(record);
  };
  assertCorrupt(() => decodeRecord(change(0, 0), 1), /magic/);
  assertCorrupt(() => decodeRecord(change(7, 1), 1), /version 1, not 2/);
  const beyond = recordOf(1, twoGroups);
  beyond[20] = 0x7f;
  assertCorrupt(() => decodeRecord(beyond, 1), /beyond its end/);
  assertCorrupt(() => decodeRecord(change(28, 0xff), 1), /not a CBOR array/);
  const shorter = recordOf(1, twoGroups).slice(0, -1);
  new DataView(shorter.buffer).setUint32(24, shorter.length);
  assertCorrupt(() => decodeRecord(resealed(shorter), 1), /its directory tells of/);
});
