import assert from "node:assert/strict";
import { test } from "node:test";
import { groupsForEachShard, heapBytes } from "../../../bench/lib/cluster/heap.ts";
import { shardOfGroup } from "../../../src/base/index.ts";

test("groupsForEachShard() is the least number that leaves no shard without a group", () => {
  for (const shards of [1, 2, 3, 8]) {
    const groups = groupsForEachShard(shards);
    const shardsOf = (count: number): number =>
      new Set(Array.from({ length: count }, (_, group) => shardOfGroup(group, shards))).size;
    assert.equal(shardsOf(groups), shards);
    assert.equal(shardsOf(groups - 1), shards - 1);
  }
});

test("heapBytes() counts what is alive, and buffers with it", () => {
  const before = heapBytes();
  const alive = new Uint8Array(50_000_000);
  const during = heapBytes();
  assert.ok(during - before > 40_000_000, `${during - before} of ${alive.length}`);
});
