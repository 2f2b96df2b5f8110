import assert from "node:assert/strict";
import { test } from "node:test";
import { ShardCluster } from "./shard-cluster.ts";

const groups = [1, 2, 3, 4, 5, 6];

/** Three nodes whose groups, led by `a`, have nothing to do and have parked. */
async function startParked(): Promise<ShardCluster> {
  const cluster = await ShardCluster.start({ options: { parkTicks: 4 } });
  for (const group of groups) await cluster.createGroup("a", group);
  await cluster.tick(12);
  for (const node of cluster.nodes) assert.equal((await cluster.stats(node)).awake, 0, node);
  return cluster;
}

/** The node's loop stands still, as in a process that was stopped; its connections stay. */
function pause(cluster: ShardCluster, ...nodes: string[]): void {
  for (const node of nodes) cluster.at(node).alive = false;
}

test("idle groups park: time passes without a message of theirs", async () => {
  const cluster = await startParked();
  cluster.delivered.length = 0;
  await cluster.tick(200);
  assert.deepEqual(cluster.delivered, []);
  const status = await cluster.status("b", 1);
  assert.equal(status.parked, true);
  assert.equal(status.leader, "a");
  assert.equal(status.commitIndex, status.lastIndex);
  await cluster.close();
});

test("a parked group takes writes and reads, from any member, and parks again", async () => {
  const cluster = await startParked();
  const write = cluster.client("b", 1).propose(1, "x", { forward: true });
  const read = cluster.client("c", 2).read(2, "", { forward: true });
  await cluster.run();
  assert.deepEqual(write.results(), ["1"]);
  assert.equal(read.text(), "");
  assert.equal((await cluster.status("a", 1)).parked, false);
  assert.equal((await cluster.stats("a")).awake, 2);
  await cluster.tick(12);
  for (const node of cluster.nodes) assert.equal((await cluster.stats(node)).awake, 0, node);
  const local = cluster.client("c", 1).readLocal(1, "");
  await cluster.run();
  assert.equal(local.text(), "x", "a follower parks with everything applied");
  await cluster.close();
});

test("parked groups whose leader's node stands still elect another, though nobody calls them", async () => {
  const cluster = await startParked();
  pause(cluster, "a");
  await cluster.tick(40);
  for (const group of groups) {
    assert.notEqual(await cluster.awaitLeader(group, ["b", "c"]), "a");
    assert.ok((await cluster.status("b", group)).term > 1);
  }
});

test("a parked leader whose followers stand still finds out that it has no quorum", async () => {
  const cluster = await startParked();
  pause(cluster, "b", "c");
  await cluster.tick(40);
  for (const group of groups) {
    assert.notEqual((await cluster.status("a", group)).role, "leader");
  }
});

test("a group of one member parks without asking", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"], options: { parkTicks: 4 } });
  await cluster.createGroup("a", 1);
  await cluster.tick(12);
  assert.equal((await cluster.status("a", 1)).parked, true);
  const write = cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  assert.deepEqual(write.results(), ["1"]);
  await cluster.close();
});

test("no group parks where it is told not to", async () => {
  const cluster = await ShardCluster.start({ options: { parkTicks: 0 } });
  await cluster.createGroup("a", 1);
  await cluster.tick(100);
  for (const node of cluster.nodes) assert.equal((await cluster.stats(node)).awake, 1, node);
  await cluster.close();
});
