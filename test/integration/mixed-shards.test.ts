/** Nodes need not have the same number of shards: each group's place is each node's own affair. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NodeCluster } from "./node-cluster.ts";

test("nodes with one, two and three shards replicate 60 groups and outlive the loss of each", async (t) => {
  await using cluster = new NodeCluster({ shards: [1, 2, 3] });
  await cluster.start(...cluster.names);
  await cluster.createGroups(60);
  await cluster.startLoad(12);
  for (const name of cluster.names) {
    await cluster.progress(200);
    await cluster.kill(name);
    await cluster.progress(200);
    await cluster.start(name);
  }
  t.diagnostic(await cluster.stopLoad());
  await cluster.verify();
  const shards = await Promise.all(cluster.running().map((node) => node.call({ kind: "stats" })));
  for (const [at, stats] of shards.entries()) {
    assert.equal(stats.length, at + 1);
    for (const { shard, groups } of stats) assert.ok(groups > 0, `shard ${shard} has groups`);
  }
});
