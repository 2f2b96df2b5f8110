import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { groupIdMax, limits, shardOfGroup } from "../../../src/base/index.ts";

test("shardOfGroup() gives the shards that it has always given: they are part of the protocol", () => {
  const groups = [0, 1, 2, 3, 7, 42, 1000, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000, groupIdMax];
  const shardsOf = (shards: number): number[] => groups.map((group) => shardOfGroup(group, shards));
  assert.deepEqual(shardsOf(1), new Array<number>(groups.length).fill(0));
  assert.deepEqual(shardsOf(2), [0, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0]);
  assert.deepEqual(shardsOf(3), [0, 0, 2, 0, 2, 0, 1, 1, 1, 2, 2, 0]);
  assert.deepEqual(shardsOf(8), [0, 7, 6, 6, 4, 1, 3, 1, 1, 0, 0, 0]);
  assert.deepEqual(shardsOf(256), [0, 55, 110, 166, 132, 25, 179, 121, 177, 200, 0, 200]);
});

test("shardOfGroup() always names a shard that exists", () => {
  const group = fc.integer({ min: 0, max: groupIdMax });
  const shards = fc.integer({ min: 1, max: limits.shardsMax });
  fc.assert(
    fc.property(group, shards, (id, count) => {
      const shard = shardOfGroup(id, count);
      return Number.isInteger(shard) && shard >= 0 && shard < count;
    }),
  );
});

test("shardOfGroup() spreads consecutive ids and ids that share a stride with the shard count", () => {
  const groups = 10_000;
  for (const shards of [2, 3, 4, 8, 16]) {
    for (const stride of [1, 2, shards, 10, 256, 1000]) {
      const held = new Array<number>(shards).fill(0);
      for (let at = 0; at < groups; at += 1) {
        const shard = shardOfGroup((at * stride) % (groupIdMax + 1), shards);
        held[shard] = (held[shard] ?? 0) + 1;
      }
      const mean = groups / shards;
      const text = `${shards} shards, stride ${stride}: ${held.join(" ")}`;
      assert.ok(Math.min(...held) > mean * 0.8 && Math.max(...held) < mean * 1.2, text);
    }
  }
});
