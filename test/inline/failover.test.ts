import assert from "node:assert/strict";
import { test } from "node:test";
import { ShardCluster } from "./shard-cluster.ts";

for (let seed = 1; seed <= 5; seed += 1) {
  test(`a leader that is cut off answers every call with the right outcome, and another takes over (seed ${seed})`, async () => {
    const cluster = await ShardCluster.start({ seed });
    await cluster.createGroup("a", 1);
    const old = cluster.client("a", 1);
    old.propose(1, "before");
    await cluster.run();
    cluster.isolate("a");
    const sealed = [old.propose(1, "lost"), old.proposeBatch(1, ["lost1", "lost2"])];
    const reads = [old.read(1, "")];
    await cluster.run();
    const leader = await cluster.awaitLeader(1, ["b", "c"]);
    const next = cluster.client(leader, 1).propose(1, "after");
    await cluster.run();
    assert.deepEqual(next.results(), ["2"]);
    await cluster.tick(25);
    for (const call of sealed) {
      assert.equal(call.failure().code, "ERR_LEADERSHIP_LOST");
      assert.equal(call.failure().outcome, "unknown", "it is in a log that may come back");
    }
    for (const call of reads) {
      assert.equal(call.failure().code, "ERR_NOT_LEADER");
      assert.equal(call.failure().outcome, "none");
    }
    await cluster.rejoin("a");
    await cluster.tick(25);
    for (const node of cluster.nodes) assert.equal(await cluster.digest(node, 1), "before,after");
    await cluster.close();
  });
}

test("what was laid into the log is unknown and what was not is none, when both wait as the leader falls", async () => {
  const cluster = await ShardCluster.start({ seed: 4, options: { uncommittedBytesMax: 1 } });
  await cluster.createGroup("a", 1);
  const old = cluster.client("a", 1);
  cluster.isolate("a");
  const sealed = old.propose(1, "sealed");
  await cluster.run();
  const open = old.propose(1, "open");
  const read = old.read(1, "");
  await cluster.run();
  assert.equal((await cluster.status("a", 1)).openCalls, 1);
  const leader = await cluster.awaitLeader(1, ["b", "c"]);
  // Still the leader in its own eyes, it hears of the new term while it holds calls of both kinds.
  assert.equal((await cluster.status("a", 1)).role, "leader");
  await cluster.rejoin("a");
  await cluster.tick(10);
  assert.equal((await cluster.status("a", 1)).leader, leader);
  assert.equal(sealed.failure().code, "ERR_LEADERSHIP_LOST");
  assert.equal(sealed.failure().outcome, "unknown");
  assert.equal(sealed.failure().details.leader, leader);
  const { port } = cluster.at(leader).transport;
  assert.equal(sealed.failure().details.leaderAddress, `memory:${port}`);
  assert.equal(open.failure().code, "ERR_NOT_LEADER");
  assert.equal(open.failure().outcome, "none");
  assert.equal(read.failure().outcome, "none");
  await cluster.close();
});

test("an entry whose proposer was told unknown may be committed by the next leader", async () => {
  const cluster = await ShardCluster.start({ seed: 2 });
  await cluster.createGroup("a", 1);
  // The entry reaches b and c, their answers do not reach a.
  cluster.at("b").transport.setPeers({ c: `memory:${cluster.at("c").transport.port}` });
  cluster.at("c").transport.setPeers({ b: `memory:${cluster.at("b").transport.port}` });
  await cluster.run();
  const call = cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  assert.ok(!call.settled);
  const resign = cluster.client("a", 1).control({ kind: "resign", group: 1 });
  // Nobody can take its place: none says how much of the log it has.
  await cluster.settle([resign]);
  assert.equal(resign.answer(), true);
  assert.equal(call.failure().outcome, "unknown");
  cluster.isolate("a");
  const leader = await cluster.awaitLeader(1, ["b", "c"]);
  await cluster.tick(2);
  assert.equal(await cluster.digest(leader, 1), "x");
  await cluster.close();
});

test("a stale leader in a partition never answers a linearizable read", async () => {
  const cluster = await ShardCluster.start({ seed: 6 });
  await cluster.createGroup("a", 1);
  const old = cluster.client("a", 1);
  old.propose(1, "old");
  await cluster.run();
  cluster.isolate("a");
  const leader = await cluster.awaitLeader(1, ["b", "c"]);
  const write = cluster.client(leader, 1).propose(1, "new");
  await cluster.run();
  assert.deepEqual(write.results(), ["2"]);
  assert.equal((await cluster.status("a", 1)).role, "leader", "it does not know yet");
  const stale = old.read(1, "");
  const local = old.readLocal(1, "");
  await cluster.run();
  assert.equal(local.text(), "old", "a local read says what the replica has");
  assert.ok(!stale.settled, "nobody confirms the stale leader");
  await cluster.tick(25);
  assert.equal(stale.failure().code, "ERR_NOT_LEADER");
  const fresh = cluster.client(leader, 1).read(1, "");
  await cluster.run();
  assert.equal(fresh.text(), "old,new");
  await cluster.close();
});

test("a new leader answers reads only with everything its predecessor had acknowledged", async () => {
  for (let seed = 1; seed <= 5; seed += 1) {
    const cluster = await ShardCluster.start({ seed });
    await cluster.createGroup("a", 1);
    const write = cluster.client("a", 1).propose(1, "x");
    await cluster.run();
    assert.deepEqual(write.results(), ["1"]);
    cluster.client("b", 1).control({ kind: "campaign", group: 1, force: true });
    const read = cluster.client("b", 1).read(1, "", { forward: true });
    await cluster.settle([read]);
    const again = cluster.client(await cluster.awaitLeader(1), 1).read(1, "");
    await cluster.settle([again]);
    if (read.error === undefined) assert.equal(read.text(), "x");
    assert.equal(again.text(), "x");
    await cluster.close();
  }
});

test("a forwarded write is unknown, a read is not, as soon as the leader is lost", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a", "b", "c", "d", "e"], seed: 9 });
  await cluster.createGroup("a", 1);
  // With b alone the leader can neither commit nor confirm: the calls wait there.
  for (const node of ["c", "d", "e"]) cluster.network.cut("a", node);
  const client = cluster.client("b", 1);
  const write = client.propose(1, "x", { forward: true });
  const read = client.read(1, "", { forward: true });
  await cluster.run();
  assert.ok(!write.settled && !read.settled);
  await cluster.crash("a");
  assert.equal(write.failure().code, "ERR_LEADERSHIP_LOST");
  assert.equal(write.failure().outcome, "unknown");
  assert.equal(read.failure().outcome, "none");
  await cluster.close();
});

test("forwarded calls do not wait for a silent leader once another is known", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  // Its loop stands still and its connections stay: nothing tells its callers that it is gone.
  cluster.at("a").alive = false;
  const settings = { forward: true, timeoutMs: 60_000 };
  const client = cluster.client("b", 1);
  const [write, read] = [client.propose(1, "x", settings), client.read(1, "", settings)];
  await cluster.run();
  const leader = await cluster.awaitLeader(1, ["b", "c"]);
  assert.ok(!write.settled && !read.settled, "it may answer yet");
  await cluster.tick(4);
  assert.equal(write.failure().code, "ERR_LEADERSHIP_LOST");
  assert.equal(write.failure().outcome, "unknown");
  assert.equal(write.failure().details.leader, leader);
  assert.equal(read.failure().outcome, "none");
});

test("a shard that crashed does not take the answer to its former life's request for a new one's", async () => {
  const cluster = await ShardCluster.start({ seed: 12 });
  await cluster.createGroup("a", 1);
  // The leader cannot commit: the forwarded call waits there while its caller's shard comes and
  // goes.
  cluster.network.cut("a", "c");
  cluster.network.cut("b", "c");
  cluster.client("b", 1).propose(1, "former", { forward: true });
  await cluster.run();
  const former = cluster.delivered.find(({ kind }) => kind === "shardRequest");
  assert.ok(former !== undefined);
  await cluster.crash("b");
  await cluster.boot("b");
  await cluster.introduce();
  cluster.delivered.length = 0;
  await cluster.tick(1);
  const ids = new Set<number>();
  for (let at = 0; at < 3; at += 1) {
    cluster.client("b", 1).read(1, "", { forward: true });
    await cluster.tick(3);
  }
  for (const { message } of cluster.delivered) {
    if (message.kind === "shardRequest") ids.add(message.id);
  }
  assert.ok(ids.size > 0, "the new life asks too");
  assert.ok(former.message.kind === "shardRequest");
  assert.ok(!ids.has(former.message.id), "under numbers of its own");
  await cluster.close();
});

test("the only voter of a group leads as soon as it is started again, without an election timeout", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"] });
  await cluster.createGroup("a", 1);
  await cluster.crash("a");
  await cluster.boot("a");
  await cluster.run();
  assert.equal((await cluster.status("a", 1)).role, "leader");
  for (const kind of ["stopGroup", "startGroup"] as const) {
    cluster.client("a", 1).control({ kind, group: 1 });
    await cluster.run();
  }
  const write = cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  assert.deepEqual(write.results(), ["1"], "no tick has passed");
  await cluster.close();
});

test("followers are linked to each other before they have anything to say", async () => {
  const cluster = await ShardCluster.start({ seed: 5 });
  await cluster.createGroup("a", 1);
  await cluster.tick(3);
  for (const [from, to] of [
    ["b", "c"],
    ["c", "b"],
  ] as const) {
    assert.equal(cluster.at(from).transport.link(to, 1)?.up, true, `${from} to ${to}`);
  }
  await cluster.close();
});

test("links to peers are told when they come up and when they are lost", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  const client = cluster.client("a");
  const toldOf = (node: string): string[] =>
    client.events.flatMap((event) =>
      (event.kind === "peerConnected" || event.kind === "peerLost") && event.node === node
        ? [event.kind]
        : [],
    );
  await cluster.tick(2);
  assert.deepEqual(toldOf("b"), ["peerConnected"]);
  await cluster.crash("b");
  await cluster.tick(2);
  assert.deepEqual(toldOf("b"), ["peerConnected", "peerLost"]);
  await cluster.restart("b");
  await cluster.tick(4);
  assert.deepEqual(toldOf("b"), ["peerConnected", "peerLost", "peerConnected"]);
  assert.deepEqual(toldOf("c"), ["peerConnected"]);
  await cluster.close();
});

test("a change of leader or term ends no local read, on a follower or on the leader", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  const reads = cluster.nodes.flatMap((node) => {
    // In the turn of the campaign: the reads wait when the roles change.
    const before = cluster.client(node, 1).readLocal(1, "");
    if (node === "b") cluster.client(node).control({ kind: "campaign", group: 1, force: true });
    return [before, cluster.client(node, 1).readLocal(1, "")];
  });
  for (let tick = 0; tick < 20; tick += 1) {
    for (const node of cluster.nodes) reads.push(cluster.client(node, 1).readLocal(1, ""));
    cluster.client(cluster.nodes[tick % 3] ?? "a").control({
      kind: "campaign",
      group: 1,
      force: true,
    });
    await cluster.tick(1);
  }
  await cluster.settle(reads);
  for (const read of reads) assert.equal(read.text(), "");
  await cluster.close();
});
