/** A creation that comes to no majority is taken back, as far as nothing rests on it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeId } from "../../src/base/index.ts";
import { ListMachine } from "./list-machine.ts";
import { ShardCluster } from "./shard-cluster.ts";
import { TrialStore } from "./trial-store.ts";

test("a creation that comes to no majority does not take back a replica that was started anew and has been elected", async () => {
  let isSound = false;
  const stores = new Map<NodeId, TrialStore>();
  const cluster = await ShardCluster.start({
    makeStore: (node, disk) => {
      const store = new TrialStore(disk);
      stores.set(node, store);
      return store;
    },
    createStateMachine: ({ node }) => {
      if (node === "b" && !isSound) throw new Error("not now");
      return new ListMachine();
    },
  });
  const store = stores.get("c");
  assert.ok(store !== undefined);
  // It is asked, and answers nothing before the deadline.
  store.holding = true;
  const call = cluster.beginCreation("a", 1);
  await cluster.run();
  isSound = true;
  for (const [node, kind] of [
    ["a", "stopGroup"],
    ["a", "startGroup"],
    ["b", "startGroup"],
  ] as const) {
    const change = cluster.client(node, 1).control({ kind, group: 1 });
    await cluster.run();
    change.answer();
  }
  cluster.client("b", 1).control({ kind: "campaign", group: 1, force: false });
  await cluster.tick(2);
  assert.ok(!call.settled, "c has not answered yet");
  assert.equal((await cluster.status("a", 1)).leader, "b");
  await cluster.settle([call]);
  assert.equal(call.failure().code, "ERR_GROUP_CREATE_FAILED");
  assert.equal(call.failure().outcome, "unknown");
  // Two of three are there still.
  const write = cluster.client("b", 1).propose(1, "x");
  await cluster.run();
  assert.deepEqual(write.results(), ["1"]);
  store.holding = false;
  store.release();
  await cluster.close();
});

test("a creation that is rolled back says none only when that is durable", async () => {
  const stores = new Map<NodeId, TrialStore>();
  const cluster = await ShardCluster.start({
    makeStore: (node, disk) => {
      const store = new TrialStore(disk);
      stores.set(node, store);
      return store;
    },
  });
  for (const node of ["b", "c"]) await cluster.crash(node);
  const call = cluster.beginCreation("a", 1);
  await cluster.tick(3);
  const store = stores.get("a");
  assert.ok(store !== undefined);
  store.holding = true;
  await cluster.tick(15);
  assert.ok(store.heldCommits > 0 && !call.settled);
  store.holding = false;
  store.release();
  await cluster.settle([call]);
  assert.equal(call.failure().outcome, "none");
  await cluster.close();
});
