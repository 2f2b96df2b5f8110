import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupId, NodeId } from "../../src/base/index.ts";
import type { GroupCreated } from "../../src/shard/index.ts";
import { decodeCbor, encodeCbor } from "../../src/wire/index.ts";
import { FakePeer, blockOf, offerPayload } from "./fake-peer.ts";
import { ListMachine } from "./list-machine.ts";
import { ShardCluster } from "./shard-cluster.ts";
import { TrialStore } from "./trial-store.ts";

test("with one member down a group is created on the others, and the answer names it", async () => {
  const cluster = await ShardCluster.start();
  await cluster.crash("c");
  const call = cluster.beginCreation("a", 1);
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
  const call = cluster.beginCreation("a", 1);
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
  const call = cluster.beginCreation("a", 1);
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
  // It says that it has no replica, and that it will not make one.
  const spoken = cluster.delivered.filter(
    ({ from, kind, message }) =>
      from === "b" &&
      kind !== "groupUnknown" &&
      !(message.kind === "shardResponse" && message.failed),
  );
  assert.deepEqual(spoken, []);
  assert.notEqual((await cluster.status("a", 1)).role, "leader", "two of three are not there");
  await cluster.close();
});

test("an existing group is refused on its node, and by its members under another incarnation", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1, ["a", "b"]);
  const here = cluster.beginCreation("a", 1);
  await cluster.settle([here]);
  assert.equal(here.failure().code, "ERR_GROUP_EXISTS");
  const elsewhere = cluster.beginCreation("c", 1);
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
  const call = cluster.beginCreation("a", 1);
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
  const call = cluster.beginCreation("a", 1);
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
  const payload = offerPayload(cluster, [
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
  await cluster.settle([call]);
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
  const payload = offerPayload(cluster, [
    ["a", 41],
    ["x", 42],
  ]);
  peer.incarnation = 42;
  peer.send("a", [{ ...request, id: 1, op: 3, payload }]);
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

/** The members' incarnations as each node has them: one text where all are of one creation. */
async function creationsOf(cluster: ShardCluster, group: GroupId): Promise<Set<string>> {
  const found = new Set<string>();
  for (const node of cluster.nodes) {
    const { members } = await cluster.status(node, group);
    found.add(members.map(({ node: name, incarnation }) => `${name}:${incarnation}`).toString());
  }
  return found;
}

test("two or three nodes that create a group at once come to one group with all members", async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const cluster = await ShardCluster.start({ seed });
    const creators = cluster.nodes.slice(0, seed % 2 === 0 ? 2 : 3);
    const calls = creators.map((node) => cluster.beginCreation(node, 1));
    await cluster.settle(calls);
    for (const call of calls) {
      const { started } = call.answer<GroupCreated>();
      assert.ok(started.length >= 2, `seed ${seed}`);
    }
    await cluster.tick(25);
    assert.equal((await creationsOf(cluster, 1)).size, 1, `seed ${seed}`);
    await cluster.awaitLeader(1);
    const write = cluster.client("b", 1).propose(1, "x", { forward: true });
    await cluster.tick(3);
    assert.deepEqual(write.results(), ["1"], `seed ${seed}`);
    for (const node of cluster.nodes) assert.equal(await cluster.digest(node, 1), "x");
    await cluster.close();
  }
});

test("a member that was down when its group was created joins when it is back, though the creator has restarted", async () => {
  const cluster = await ShardCluster.start();
  await cluster.crash("c");
  const call = cluster.beginCreation("a", 1);
  await cluster.settle([call]);
  assert.deepEqual(call.answer<GroupCreated>().notStarted, ["c"]);
  cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  await cluster.crash("a");
  await cluster.restart("a");
  await cluster.restart("c");
  await cluster.tick(40);
  assert.equal(await cluster.digest("c", 1), "x");
  assert.equal((await creationsOf(cluster, 1)).size, 1);
  // It counts: with a third one gone there is a majority.
  await cluster.crash("b");
  await cluster.awaitLeader(1, ["a", "c"]);
  await cluster.close();
});

test("a member whose first disk was asked to join does not join on another one", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  await cluster.crash("b");
  cluster.loseDisk("b");
  await cluster.restart("b");
  const again = cluster.beginCreation("b", 1);
  await cluster.settle([again]);
  assert.equal(again.failure().code, "ERR_GROUP_CREATE_FAILED");
  await cluster.tick(40);
  assert.equal((await cluster.stats("b")).groups, 0);
  await cluster.close();
});

test("a member is asked to join only when it is durable which of its directories is asked", async () => {
  const stores = new Map<NodeId, TrialStore>();
  const cluster = await ShardCluster.start({
    makeStore: (node, disk) => {
      const store = new TrialStore(disk, 4);
      stores.set(node, store);
      return store;
    },
  });
  await cluster.crash("c");
  await cluster.createGroup("a", 1);
  const store = stores.get("a");
  assert.ok(store !== undefined);
  store.holding = true;
  await cluster.boot("c");
  await cluster.introduce();
  await cluster.tick(60);
  assert.ok(store.heldCommits > 0, "the directory is being written");
  assert.equal((await cluster.stats("c")).groups, 0);
  store.holding = false;
  store.release();
  await cluster.tick(60);
  assert.equal((await cluster.stats("c")).groups, 1);
  await cluster.close();
});

test("a node that does not answer keeps no other member from being asked to join", async () => {
  const cluster = await ShardCluster.start({
    nodes: ["a", "b", "c", "d", "e"],
    options: { requestsMax: 16 },
  });
  await cluster.crash("d");
  await cluster.crash("e");
  const groups = 24;
  for (let group = 1; group <= groups; group += 1) await cluster.createGroup("a", group);
  await cluster.boot("e");
  await cluster.introduce();
  // Its connections stay, and its loop stands still.
  cluster.at("e").alive = false;
  await cluster.tick(40);
  await cluster.boot("d");
  await cluster.introduce();
  // Two at a time; with all the room taken by requests to e, it takes 30 ticks.
  await cluster.tick(20);
  assert.equal((await cluster.stats("d")).groups, groups);
  await cluster.crash("e");
  await cluster.close();
});

test("createGroup for a group that is there with the same members answers who runs it", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  await cluster.tick(3);
  for (const node of cluster.nodes) {
    const call = cluster.beginCreation(node, 1);
    await cluster.settle([call]);
    const { started, notStarted } = call.answer<GroupCreated>();
    assert.deepEqual([...started].sort(), ["a", "b", "c"]);
    assert.deepEqual(notStarted, []);
  }
  await cluster.close();
});

test("a creation whose outcome was unknown is finished by calling again", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a", "b"] });
  const { transport } = cluster.at("b");
  transport.setPeers({});
  await cluster.run();
  const call = cluster.beginCreation("a", 1);
  await cluster.settle([call]);
  assert.equal(call.failure().outcome, "unknown");
  transport.setPeers({ a: `memory:${cluster.at("a").transport.port}` });
  await cluster.run();
  const again = cluster.beginCreation("a", 1);
  await cluster.settle([again]);
  assert.equal(again.answer<GroupCreated>().started.length, 2);
  await cluster.awaitLeader(1);
  await cluster.close();
});

test("a full queue of requests delays a creation and leaves no member out", async () => {
  const cluster = await ShardCluster.start({ options: { requestsMax: 1 } });
  const { started, notStarted } = await cluster.createGroup("a", 1);
  assert.equal(started.length, 3);
  assert.deepEqual(notStarted, []);
  await cluster.close();
});

test("a creation that a close cuts short says unknown, since its group may be on disk", async () => {
  const cluster = await ShardCluster.start();
  await cluster.crash("b");
  await cluster.crash("c");
  const call = cluster.beginCreation("a", 1);
  await cluster.tick(3);
  cluster.client("a").control({ kind: "close" });
  await cluster.run();
  assert.equal(call.failure().code, "ERR_ENGINE_CLOSED");
  assert.equal(call.failure().outcome, "unknown");
  await cluster.close();
});

test("a request to create a replica that is read after its removal makes nothing", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"] });
  const peer = await FakePeer.start(cluster, "x", "a");
  const request = { kind: "shardRequest", group: 1, timeoutMs: 1_000 } as const;
  const payload = offerPayload(cluster, [
    ["x", 42],
    ["a", 41],
  ]);
  peer.send("a", [{ ...request, id: 1, op: 4, payload: encodeCbor(41) }]);
  peer.send("a", [{ ...request, id: 2, op: 3, payload }]);
  await cluster.run();
  const answer = peer.shardMessages.at(-1);
  assert.ok(answer?.kind === "shardResponse" && answer.id === 2 && answer.failed);
  assert.match(String(decodeCbor(answer.payload)), /taken back/);
  assert.equal((await cluster.stats("a")).groups, 0);
  await cluster.close();
});

test("a replica of a creation that was taken back without its knowledge goes, too", async () => {
  const cluster = await ShardCluster.start();
  for (const node of ["b", "c"]) cluster.at(node).transport.setPeers({});
  await cluster.run();
  const call = cluster.beginCreation("a", 1);
  await cluster.tick(2);
  assert.equal((await cluster.stats("b")).groups, 1, "it has no way to answer");
  cluster.isolate("a");
  await cluster.settle([call]);
  assert.equal(call.failure().outcome, "unknown");
  assert.equal((await cluster.stats("b")).groups, 1);
  await cluster.rejoin("a");
  await cluster.introduce();
  await cluster.tick(60);
  const counts = new Set<number>();
  for (const node of cluster.nodes) counts.add((await cluster.stats(node)).groups);
  assert.equal(counts.size, 1, "all have it or none has");
  await cluster.close();
});

test("a replica with an entry keeps its creation, but for an established one, and votes in no term twice", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"] });
  const peer = await FakePeer.start(cluster, "x", "a");
  const request = { kind: "shardRequest", group: 1, op: 3, timeoutMs: 1_000 } as const;
  const offer = async (id: number, incarnation: number, more = {}): Promise<boolean> => {
    const members = Object.entries({ a: incarnation, x: incarnation + 1 });
    peer.send("a", [{ ...request, id, payload: offerPayload(cluster, members, more) }]);
    await cluster.run();
    const answer = peer.shardMessages.findLast((message) => message.kind === "shardResponse");
    assert.ok(answer?.kind === "shardResponse" && answer.id === id);
    return !answer.failed;
  };
  assert.ok(await offer(1, 51));
  assert.ok(await offer(2, 41), "of two empty ones the smaller number goes on");
  assert.ok(!(await offer(3, 51)), "and not the other");
  peer.incarnation = 42;
  const append = { from: 1, to: 2, term: 5, prevIndex: 0, prevTerm: 0, commit: 0 } as const;
  peer.sendToGroup("a", 1, { kind: "appendRequest", ...append, blocks: [blockOf(1, 5, "x")] });
  await cluster.run();
  assert.equal((await cluster.status("a", 1)).lastIndex, 1);
  assert.ok(!(await offer(4, 31)));
  assert.ok(!(await offer(5, 31, { level: 1, term: 9 })));
  assert.equal((await cluster.status("a", 1)).incarnation, 41);
  assert.ok(await offer(6, 61, { level: 2, term: 3 }));
  for (const restarted of [false, true]) {
    if (restarted) await cluster.crash("a");
    if (restarted) await cluster.restart("a");
    const { incarnation, lastIndex, term, vote } = await cluster.status("a", 1);
    assert.deepEqual(
      { incarnation, lastIndex, term, vote },
      { incarnation: 61, lastIndex: 0, term: 5, vote: "a" },
    );
  }
  await cluster.close();
});

test("a replica that moves to another creation and is stopped at once does not forget its votes", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"] });
  const peer = await FakePeer.start(cluster, "x", "a");
  const groups = Array.from({ length: 24 }, (_, at) => at + 1);
  const offer = (group: GroupId, incarnation: number): void => {
    const payload = offerPayload(cluster, [
      ["a", incarnation],
      ["x", incarnation + 1],
    ]);
    const request = { kind: "shardRequest", op: 3, timeoutMs: 1_000 } as const;
    peer.send("a", [{ ...request, id: incarnation * 100 + group, group, payload }]);
  };
  for (const group of groups) offer(group, 51);
  await cluster.run();
  peer.incarnation = 52;
  for (const group of groups) {
    const vote = { from: 1, to: 2, term: 5, lastIndex: 0, lastTerm: 0, force: false } as const;
    peer.sendToGroup("a", group, { kind: "voteRequest", ...vote });
  }
  await cluster.run();
  for (const group of groups) {
    assert.equal((await cluster.status("a", group)).vote, "x");
  }
  // In which order the two arrive is drawn from the seed.
  for (const group of groups) {
    offer(group, 41);
    cluster.client("a", group).control({ kind: "stopGroup", group });
    await cluster.run();
  }
  await cluster.crash("a");
  await cluster.restart("a");
  const moved = new Set<number>();
  for (const group of groups) {
    const { incarnation, term, state } = await cluster.status("a", group);
    assert.deepEqual({ group, term, state }, { group, term: 5, state: "stopped" });
    moved.add(incarnation);
  }
  assert.equal(moved.size, 2, "some have moved, and some were stopped before");
  await cluster.close();
});

test("a member joins by its creator though another member leads", async () => {
  const cluster = await ShardCluster.start();
  await cluster.crash("c");
  const call = cluster.beginCreation("a", 1);
  await cluster.settle([call]);
  await cluster.tick(3);
  cluster.client("a").control({ kind: "resign", group: 1 });
  await cluster.tick(3);
  cluster.client("b", 1).control({ kind: "campaign", group: 1, force: true });
  await cluster.awaitLeader(1, ["b"]);
  await cluster.boot("c");
  // The creator, a follower now, reaches it before the leader does.
  cluster.network.cut("b", "c");
  await cluster.introduce();
  await cluster.tick(60);
  await cluster.rejoin("b");
  await cluster.tick(60);
  const { members } = await cluster.status("b", 1);
  assert.equal(members.length, 3);
  assert.equal((await creationsOf(cluster, 1)).size, 1);
  await cluster.close();
});
