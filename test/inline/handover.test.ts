import assert from "node:assert/strict";
import { test } from "node:test";
import { nobody } from "../../src/base/index.ts";
import type { GroupId, NodeId } from "../../src/base/index.ts";
import type { Replica } from "../../src/shard/index.ts";
import { ListMachine } from "./list-machine.ts";
import type { Call } from "./shard-client.ts";
import { ShardCluster } from "./shard-cluster.ts";

const groups = Array.from({ length: 12 }, (_, at) => at + 1);

function resign(cluster: ShardCluster, node: NodeId, group: GroupId): Call {
  return cluster.client(node, group).control({ kind: "resign", group });
}

function replicaOf(cluster: ShardCluster): Replica | undefined {
  return cluster.at("a").shard.replicas.get(1);
}

async function leadersOf(cluster: ShardCluster, group: GroupId): Promise<NodeId[]> {
  const leaders: NodeId[] = [];
  for (const node of cluster.nodes) {
    if ((await cluster.status(node, group)).role === "leader") leaders.push(node);
  }
  return leaders;
}

for (const parkTicks of [0, 2]) {
  test(`resign hands the leadership over before any tick passes (parkTicks ${parkTicks})`, async () => {
    const cluster = await ShardCluster.start({ options: { parkTicks } });
    await cluster.createGroup("a", 1);
    await cluster.tick(12);
    assert.equal((await cluster.status("a", 1)).parked, parkTicks > 0);
    const call = resign(cluster, "a", 1);
    await cluster.run();
    assert.equal(call.answer(), true);
    const [leader = "a", ...others] = await leadersOf(cluster, 1);
    assert.notEqual(leader, "a");
    assert.deepEqual(others, []);
    const write = cluster.client("a", 1).propose(1, "x", { forward: true });
    await cluster.run();
    assert.deepEqual(write.results(), ["1"]);
    await cluster.close();
  });
}

test("calls that came before a handover are served before it", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  const client = cluster.client("a", 1);
  const write = client.propose(1, "x");
  const read = client.read(1, "");
  const call = resign(cluster, "a", 1);
  await cluster.run();
  assert.equal(call.answer(), true);
  assert.deepEqual(write.results(), ["1"]);
  assert.equal(read.text(), "x");
  await cluster.close();
});

test("proposals that a handover holds back have outcome none and name the successor", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  const client = cluster.client("a", 1);
  resign(cluster, "a", 1);
  // In a mail of its own, behind the one that begins the handover.
  for (let step = 0; step < 100 && replicaOf(cluster)?.raft.successor === nobody; step += 1) {
    await cluster.step();
  }
  const held = client.propose(1, "held");
  await cluster.run();
  const [leader] = await leadersOf(cluster, 1);
  assert.equal(held.failure().code, "ERR_NOT_LEADER");
  assert.equal(held.failure().outcome, "none");
  assert.equal(held.failure().details.leader, leader);
  await cluster.close();
});

test("a leader that nobody can follow resigns all the same", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  cluster.isolate("a");
  const call = resign(cluster, "a", 1);
  await cluster.run();
  assert.equal(call.answer(), true);
  assert.notEqual((await cluster.status("a", 1)).role, "leader");
  await cluster.close();
});

test("a successor that is silent costs one election timeout, after which a leader that resigned steps down", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  for (const node of ["b", "c"]) cluster.at(node).alive = false;
  const call = resign(cluster, "a", 1);
  await cluster.tick(9);
  assert.ok(!call.settled);
  assert.equal((await cluster.status("a", 1)).role, "leader");
  await cluster.tick(2);
  assert.equal(call.answer(), true);
  assert.notEqual((await cluster.status("a", 1)).role, "leader");
});

test("when the successor's node is lost another member takes over at once", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  for (const node of ["b", "c"]) cluster.at(node).alive = false;
  const call = resign(cluster, "a", 1);
  await cluster.run();
  const key = replicaOf(cluster)?.raft.successor;
  const successor = key === 2 ? "b" : "c";
  const other = successor === "b" ? "c" : "b";
  cluster.at(other).alive = true;
  await cluster.crash(successor);
  assert.equal(call.answer(), true);
  assert.equal((await cluster.status(other, 1)).role, "leader");
  await cluster.close();
});

test("stopGroup on a leader hands over first: another leads before any tick passes", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  await cluster.tick(12);
  const stop = cluster.client("a", 1).control({ kind: "stopGroup", group: 1 });
  await cluster.run();
  assert.equal(stop.answer(), null);
  assert.equal((await cluster.status("a", 1)).state, "stopped");
  assert.equal((await leadersOf(cluster, 1)).filter((node) => node !== "a").length, 1);
  await cluster.close();
});

test("a shard that closes hands over everything that it leads before it is gone", async () => {
  const cluster = await ShardCluster.start();
  for (const group of groups) await cluster.createGroup("a", group);
  await cluster.tick(12);
  const writes = groups.map((group) => cluster.client("a", group).propose(group, "x"));
  cluster.client("a").control({ kind: "close" });
  await cluster.run();
  for (const write of writes) assert.deepEqual(write.results(), ["1"], "what waited was served");
  assert.ok(cluster.at("a").ended);
  for (const group of groups) {
    const roles = [await cluster.status("b", group), await cluster.status("c", group)];
    assert.equal(roles.filter(({ role }) => role === "leader").length, 1, `group ${group}`);
  }
  await cluster.close();
});

test("nodes that all close at once wait for no successor", async () => {
  const cluster = await ShardCluster.start();
  for (const [at, group] of groups.entries()) {
    await cluster.createGroup(cluster.nodes[at % 3] ?? "a", group);
  }
  for (const node of cluster.nodes) cluster.client(node).control({ kind: "close" });
  await cluster.run();
  for (const node of cluster.nodes) assert.ok(cluster.at(node).ended, `${node}, without a tick`);
  await cluster.close();
});

test("a shard closes though its successors are silent", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  for (const node of ["b", "c"]) cluster.at(node).alive = false;
  cluster.client("a").control({ kind: "close" });
  await cluster.run();
  assert.ok(!cluster.at("a").ended);
  await cluster.tick(cluster.options.electionTicks + 1);
  assert.ok(cluster.at("a").ended);
});

test("a leader that is disabled names its successor, which leads before any tick passes", async () => {
  const cluster = await ShardCluster.start({ options: { applyError: "disable" } });
  await cluster.createGroup("a", 1);
  await cluster.tick(12);
  const machine = cluster.machines.get("a 1");
  assert.ok(machine instanceof ListMachine);
  machine.apply = () => {
    throw new Error("out of order");
  };
  cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  assert.equal((await cluster.status("a", 1)).state, "disabled");
  assert.equal((await leadersOf(cluster, 1)).filter((node) => node !== "a").length, 1);
  await cluster.close();
});
