import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupId, NodeId } from "../../src/base/index.ts";
import type { GroupCreated } from "../../src/shard/index.ts";
import { decodeCbor, encodeCbor } from "../../src/wire/index.ts";
import { FakePeer } from "./fake-peer.ts";
import { ListMachine } from "./list-machine.ts";
import type { Call } from "./shard-client.ts";
import { ShardCluster } from "./shard-cluster.ts";

function create(cluster: ShardCluster, node: NodeId, group: GroupId): Call {
  return cluster.client(node, group).control({
    kind: "createGroup",
    group,
    members: cluster.nodes,
    timeoutMs: 1_000,
    campaign: true,
  });
}

test("with one member down a group is created on the others, and the answer names it", async () => {
  const cluster = await ShardCluster.start();
  await cluster.crash("c");
  const call = create(cluster, "a", 1);
  await cluster.settle([call]);
  const { started, notStarted } = call.answer<GroupCreated>();
  assert.deepEqual([...started].sort(), ["a", "b"]);
  assert.deepEqual(notStarted, ["c"]);
  const write = cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  assert.deepEqual(write.results(), ["1"]);
  await cluster.close();
});

test("the creator of a group does not campaign against a leader that was elected meanwhile", async () => {
  const cluster = await ShardCluster.start();
  await cluster.crash("c");
  const call = create(cluster, "a", 1);
  await cluster.run();
  cluster.client("b", 1).control({ kind: "campaign", group: 1, force: false });
  await cluster.tick(2);
  assert.equal((await cluster.status("a", 1)).leader, "b");
  assert.ok(!call.settled, "c has not answered yet");
  const before = cluster.client("a", 1).events.length;
  await cluster.settle([call]);
  assert.deepEqual(call.answer<GroupCreated>().notStarted, ["c"]);
  const events = cluster.client("a", 1).events.slice(before);
  assert.deepEqual(events, [], "a stays with its leader");
  await cluster.close();
});

test("without a majority a creation fails with each member's reason and is rolled back, on disk too", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a", "b", "c", "d"] });
  await cluster.crash("c");
  await cluster.crash("d");
  const call = create(cluster, "a", 1);
  await cluster.settle([call]);
  const error = call.failure();
  assert.equal(error.code, "ERR_GROUP_CREATE_FAILED");
  assert.equal(error.outcome, "none", "nobody was sent what it did not answer");
  assert.deepEqual(Object.keys(error.details.failures ?? {}).sort(), ["c", "d"]);
  assert.match(error.message, /c: .*no answer from c in 1000 ms/);
  await cluster.tick(2);
  for (const node of ["a", "b"]) {
    const status = cluster.client(node).control({ kind: "status", group: 1 });
    await cluster.run();
    assert.equal(status.failure().code, "ERR_GROUP_NOT_FOUND", node);
  }
  for (const node of ["a", "b"]) await cluster.crash(node);
  for (const node of cluster.nodes) await cluster.boot(node);
  await cluster.introduce();
  for (const node of cluster.nodes) assert.equal((await cluster.stats(node)).groups, 0, node);
  await cluster.createGroup("b", 1);
  await cluster.close();
});

test("a group id is free again after a rollback, and messages of the first incarnation are dropped and counted", async () => {
  const cluster = await ShardCluster.start({ seed: 3 });
  await cluster.createGroup("a", 1);
  cluster.client("a", 1).propose(1, "old");
  await cluster.run();
  // b loses its disk, and with it the group; a's messages now speak to a replica that is not there.
  await cluster.crash("b");
  cluster.loseDisk("b");
  await cluster.restart("b");
  await cluster.tick(5);
  assert.ok((await cluster.stats("b")).unknownGroup > 0);
  assert.equal(
    (await cluster.status("a", 1)).members.find(({ node }) => node === "b")?.missing,
    true,
  );
  // Somebody else creates the same id with b: a refuses, b takes part in a group of its own.
  const again = cluster.client("b").control({
    kind: "createGroup",
    group: 1,
    members: ["b"],
    timeoutMs: 1_000,
    campaign: true,
  });
  await cluster.settle([again]);
  const write = cluster.client("b").propose(1, "new");
  await cluster.run();
  assert.deepEqual(write.results(), ["1"]);
  // a has parked its group without b; over a new connection it speaks to whom it knows there.
  cluster.network.reset("a", "b");
  await cluster.tick(30);
  assert.ok((await cluster.stats("b")).foreignReplica > 0);
  assert.equal(await cluster.digest("b", 1), "new");
  assert.equal(await cluster.digest("a", 1), "old");
  await cluster.close();
});

test("a replica without its disk never votes and never acknowledges", async () => {
  const cluster = await ShardCluster.start({ seed: 5 });
  await cluster.createGroup("a", 1);
  cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  await cluster.crash("b");
  cluster.loseDisk("b");
  await cluster.restart("b");
  cluster.delivered.length = 0;
  await cluster.crash("c");
  const call = cluster.client("a", 1).propose(1, "y");
  await cluster.tick(40);
  assert.equal(call.failure().outcome, "unknown");
  const spoken = cluster.delivered.filter(
    ({ from, kind }) => from === "b" && kind !== "groupUnknown",
  );
  assert.deepEqual(spoken, []);
  assert.notEqual((await cluster.status("a", 1)).role, "leader", "two of three are not there");
  await cluster.close();
});

test("an existing group is refused on its node, and by its members under another incarnation", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1, ["a", "b"]);
  const here = create(cluster, "a", 1);
  await cluster.settle([here]);
  assert.equal(here.failure().code, "ERR_GROUP_EXISTS");
  const elsewhere = create(cluster, "c", 1);
  await cluster.settle([elsewhere]);
  assert.equal(elsewhere.failure().code, "ERR_GROUP_CREATE_FAILED");
  assert.equal(elsewhere.failure().outcome, "none");
  assert.match(elsewhere.failure().details.failures?.["a"] ?? "", /exists/);
  const write = cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  assert.deepEqual(write.results(), ["1"], "the group that was there goes on");
  await cluster.close();
});

test("a creation whose answers are lost is asked again and answered the same", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a", "b"] });
  const { transport } = cluster.at("b");
  transport.setPeers({});
  await cluster.run();
  const call = create(cluster, "a", 1);
  await cluster.tick(2);
  assert.ok(!call.settled);
  transport.setPeers({ a: `memory:${cluster.at("a").transport.port}` });
  await cluster.settle([call]);
  assert.equal(call.answer<GroupCreated>().started.length, 2);
  await cluster.close();
});

test("a member whose answer never came may have the group: the outcome is unknown", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a", "b"] });
  cluster.at("b").transport.setPeers({});
  await cluster.run();
  const call = create(cluster, "a", 1);
  await cluster.settle([call]);
  assert.equal(call.failure().code, "ERR_GROUP_CREATE_FAILED");
  assert.equal(call.failure().outcome, "unknown");
  await cluster.tick(2);
  assert.equal((await cluster.stats("b")).groups, 0, "b was told to take it back");
  await cluster.close();
});

test("a member whose state machine cannot be created has not started", async () => {
  const cluster = await ShardCluster.start({
    createStateMachine: ({ node }) => {
      if (node === "b") throw new Error("no memory on b");
      return new ListMachine();
    },
  });
  const created = await cluster.createGroup("a", 1);
  assert.deepEqual(created.notStarted, ["b"]);
  assert.equal((await cluster.status("b", 1)).state, "failed");
  assert.match((await cluster.status("b", 1)).reason, /no memory on b/);
  const local = cluster.client("b").readLocal(1, "");
  await cluster.run();
  assert.equal(local.failure().code, "ERR_GROUP_FAILED");
  await cluster.close();
});

test("a request to create a replica that is sent again gets the answer that it got before", async () => {
  const cluster = await ShardCluster.start({
    nodes: ["a"],
    createStateMachine: () => {
      throw new Error("no memory");
    },
  });
  const peer = await FakePeer.start(cluster, "x", "a");
  const request = { kind: "shardRequest", group: 1, op: 3, timeoutMs: 1_000 } as const;
  const payload = encodeCbor([
    ["a", 41],
    ["x", 42],
  ]);
  for (const id of [1, 2]) {
    peer.send("a", [{ ...request, id, payload }]);
    await cluster.run();
    const answer = peer.shardMessages.at(-1);
    assert.ok(answer?.kind === "shardResponse" && answer.id === id);
    assert.equal(answer.failed, true, `request ${id} is refused`);
    assert.match(String(decodeCbor(answer.payload)), /no memory/);
  }
  await cluster.close();
});

test("a member that comes back without its disk is not asked again to create its replica", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"] });
  const first = await FakePeer.start(cluster, "x", "a");
  first.joins = false;
  const members = ["a", "x"];
  const call = cluster
    .client("a")
    .control({ kind: "createGroup", group: 1, members, timeoutMs: 5_000, campaign: true });
  await cluster.run();
  assert.equal(first.lastRequest.op, 3);
  await first.close();
  // What it had promised as a member is forgotten: it must not become the same member again.
  const second = await FakePeer.start(cluster, "x", "a", { directory: 100 });
  await cluster.tick(10);
  const asked = second.shardMessages.filter((message) => {
    return message.kind === "shardRequest" && message.op === 3;
  });
  assert.deepEqual(asked, []);
  assert.equal(call.failure().code, "ERR_GROUP_CREATE_FAILED");
  assert.match(call.failure().message, /came back without its disk/);
  assert.equal(call.failure().outcome, "unknown");
  await cluster.close();
});

test("the rollback of a creation leaves alone a replica that has voted", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"] });
  const peer = await FakePeer.start(cluster, "x", "a");
  const request = { kind: "shardRequest", group: 1, timeoutMs: 1_000 } as const;
  const members = [
    ["a", 41],
    ["x", 42],
  ];
  peer.incarnation = 42;
  peer.send("a", [{ ...request, id: 1, op: 3, payload: encodeCbor(members) }]);
  await cluster.run();
  const election = { from: 1, to: 2, term: 1, lastIndex: 0, lastTerm: 0 };
  peer.sendToGroup("a", 1, { kind: "voteRequest", ...election, force: false });
  await cluster.run();
  peer.send("a", [{ ...request, id: 2, op: 4, payload: encodeCbor(41) }]);
  await cluster.run();
  const answer = peer.shardMessages.at(-1);
  assert.ok(answer?.kind === "shardResponse" && answer.id === 2 && answer.failed);
  assert.match(String(decodeCbor(answer.payload)), /has elected a leader here/);
  assert.equal((await cluster.stats("a")).groups, 1);
  await cluster.close();
});
