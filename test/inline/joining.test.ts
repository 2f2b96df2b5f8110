import assert from "node:assert/strict";
import { test } from "node:test";
import { ShardCluster } from "./shard-cluster.ts";

test("a creator that was stopped when a member was reached asks it once another one leads", async () => {
  const cluster = await ShardCluster.start();
  await cluster.crash("c");
  await cluster.createGroup("a", 1);
  const stop = cluster.client("a", 1).control({ kind: "stopGroup", group: 1 });
  await cluster.settle([stop]);
  await cluster.boot("c");
  await cluster.introduce();
  // It would ask c when it hears from there that c has no replica; then b leads, and hears it.
  cluster.loses = ({ from, to, lane }) =>
    from.node === "c" && to.node === "a" && lane === "control";
  const start = cluster.client("a", 1).control({ kind: "startGroup", group: 1 });
  await cluster.settle([start]);
  cluster.client("b", 1).control({ kind: "campaign", group: 1, force: true });
  await cluster.awaitLeader(1, ["b"]);
  await cluster.tick(5);
  cluster.loses = undefined;
  // No connection is lost or made from here on.
  await cluster.tick(60);
  assert.equal((await cluster.status("a", 1)).leader, "b");
  assert.equal((await cluster.stats("c")).groups, 1);
  await cluster.close();
});
