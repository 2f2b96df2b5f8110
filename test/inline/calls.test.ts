import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftError, shardOfGroup } from "../../src/base/index.ts";
import { ShardCluster } from "./shard-cluster.ts";

for (let seed = 1; seed <= 5; seed += 1) {
  test(`a group takes proposals, batches and reads on its leader (seed ${seed})`, async () => {
    const cluster = await ShardCluster.start({ seed });
    const created = await cluster.createGroup("a", 7);
    assert.deepEqual([...created.started].sort(), ["a", "b", "c"]);
    assert.equal(await cluster.awaitLeader(7), "a");
    const leader = cluster.client("a", 7);
    const single = leader.propose(7, "x");
    const batch = leader.proposeBatch(7, ["y", "z"]);
    await cluster.run();
    assert.deepEqual(single.results(), ["1"]);
    assert.deepEqual(batch.results(), ["2", "3"]);
    assert.deepEqual(
      batch.applied.map(({ index }) => index),
      [3, 4],
      "entries of a batch follow one another",
    );
    const read = leader.read(7, "");
    await cluster.run();
    assert.equal(read.text(), "x,y,z");
    await cluster.tick(2);
    const local = cluster.client("b", 7).readLocal(7, "");
    await cluster.run();
    assert.equal(local.text(), "x,y,z");
    await cluster.close();
  });
}

test("a follower refuses calls with the leader's name, and forwards those that ask for it", async () => {
  const cluster = await ShardCluster.start({ shards: 2, seed: 3 });
  await cluster.createGroup("a", 9);
  const follower = cluster.client("b", 9);
  const refused = [follower.propose(9, "no"), follower.read(9, "")];
  const forwarded = follower.proposeBatch(9, ["x", "y"], { forward: true });
  await cluster.run();
  for (const call of refused) {
    assert.equal(call.failure().code, "ERR_NOT_LEADER");
    assert.equal(call.failure().outcome, "none");
    assert.equal(call.failure().details.leader, "a");
  }
  assert.deepEqual(forwarded.results(), ["1", "2"]);
  const read = follower.read(9, "", { forward: true });
  const poisoned = follower.read(9, "poison", { forward: true });
  await cluster.run();
  assert.equal(read.text(), "x,y");
  assert.equal(poisoned.failure().code, "ERR_QUERY_FAILED");
  const poison = follower.proposeBatch(9, ["p", "poison", "q"], { forward: true });
  await cluster.run();
  const [first, second, third] = poison.results();
  assert.deepEqual([first, third], ["3", "4"]);
  assert.ok(second instanceof RaftError && second.code === "ERR_APPLY_FAILED");
  await cluster.close();
});

test("queries of a batch are answered from one state, each by itself", async () => {
  const cluster = await ShardCluster.start({ shards: 2, seed: 4 });
  await cluster.createGroup("a", 9);
  const leader = cluster.client("a", 9);
  leader.propose(9, "x");
  await cluster.run();
  const callers = [
    leader.readBatch(9, ["", "poison", ""]),
    cluster.client("b", 9).readBatch(9, ["", "poison", ""], { forward: true }),
  ];
  const refused = cluster.client("c", 9).readBatch(9, ["", ""]);
  await cluster.run();
  for (const call of callers) {
    assert.ok(call.value !== undefined, call.error?.message);
    const [first, second, third] = call.value.texts;
    assert.deepEqual([first, third], ["x", "x"]);
    assert.ok(second instanceof RaftError && second.code === "ERR_QUERY_FAILED");
    assert.equal(call.value.index, 2);
  }
  assert.equal(refused.failure().code, "ERR_NOT_LEADER");
  await cluster.close();
});

test("a forwarded call fails at its deadline, with an unknown outcome for a proposal and none for a read", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  // Answers have no way back: each side sends on connections that it dialled.
  const { transport } = cluster.at("a", 1);
  transport.setPeers({});
  await cluster.run();
  const propose = cluster.client("b", 1).propose(1, "x", { forward: true, timeoutMs: 300 });
  const read = cluster.client("b", 1).read(1, "", { forward: true, timeoutMs: 300 });
  await cluster.tick(4);
  assert.equal(propose.failure().code, "ERR_TIMEOUT");
  assert.equal(propose.failure().outcome, "unknown");
  assert.equal(read.failure().code, "ERR_TIMEOUT");
  assert.equal(read.failure().outcome, "none");
  await cluster.close();
});

test("an answer that no frame can carry fails the forwarded read and leaves the leader alive", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a", "b"] });
  await cluster.createGroup("a", 1);
  const large = cluster.client("b", 1).read(1, "fill 17000000", { forward: true });
  await cluster.run();
  assert.match(large.failure().message, /17000\d\d\d bytes/);
  assert.equal(large.failure().outcome, "none");
  const next = cluster.client("b", 1).propose(1, "x", { forward: true });
  await cluster.run();
  assert.deepEqual(next.results(), ["1"]);
  await cluster.close();
});

test("a command larger than commandBytesMax is refused when it is forwarded", async () => {
  const cluster = await ShardCluster.start({
    nodes: ["a", "b"],
    options: { commandBytesMax: 100 },
  });
  await cluster.createGroup("a", 1);
  const fits = cluster.client("b", 1).propose(1, "x".repeat(100), { forward: true });
  const large = cluster.client("b", 1).propose(1, "x".repeat(101), { forward: true });
  await cluster.run();
  assert.deepEqual(fits.results(), ["1"]);
  assert.equal(large.failure().code, "ERR_ENTRY_TOO_LARGE");
  assert.equal(large.failure().outcome, "none");
  await cluster.close();
});

test("calls for a group that is not here fail, whatever they are", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"] });
  const client = cluster.client("a");
  const calls = [
    client.propose(5, "x"),
    client.proposeBatch(5, ["x", "y"], { forward: true }),
    client.read(5, ""),
    client.readLocal(5, ""),
    client.control({ kind: "status", group: 5 }),
    client.control({ kind: "startGroup", group: 5 }),
    client.control({ kind: "stopGroup", group: 5 }),
    client.control({ kind: "digest", group: 5 }),
    client.control({ kind: "campaign", group: 5, force: true }),
    client.control({ kind: "resign", group: 5 }),
  ];
  await cluster.run();
  for (const call of calls) assert.equal(call.failure().code, "ERR_GROUP_NOT_FOUND");
  await cluster.close();
});

test("proposals beyond openBytesMax are refused as busy and have no effect", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"], options: { openBytesMax: 10 } });
  await cluster.createGroup("a", 1);
  const calls = Array.from({ length: 20 }, (_, at) => cluster.client("a").propose(1, `c${at}`));
  await cluster.run();
  const taken = calls.filter(({ error }) => error === undefined);
  const busy = calls.filter(({ error }) => error?.code === "ERR_BUSY");
  assert.equal(taken.length + busy.length, 20);
  assert.ok(taken.length >= 3 && busy.length > 0);
  const digest = await cluster.digest("a", 1);
  assert.equal(digest?.split(",").length, taken.length);
  for (const { error } of busy) assert.equal(error?.outcome, "none");
  await cluster.close();
});

test("windows of one message, blocks of one byte and slices of one byte change nothing but the pace", async () => {
  const cluster = await ShardCluster.start({
    seed: 11,
    options: {
      inflightMessagesMax: 1,
      inflightBytesMax: 1,
      appendBytesMax: 1,
      blockBytesMax: 1,
      applyBytesMax: 1,
      uncommittedBytesMax: 1,
      tailBytesMax: 0,
    },
  });
  await cluster.createGroup("a", 1);
  const calls = Array.from({ length: 30 }, (_, at) => cluster.client("a", 1).propose(1, `c${at}`));
  await cluster.run();
  await cluster.tick(10);
  for (const [at, call] of calls.entries()) assert.deepEqual(call.results(), [`${at + 1}`]);
  for (const node of cluster.nodes)
    assert.equal((await cluster.digest(node, 1))?.split(",").length, 30);
  await cluster.close();
});

test("groups that have more to apply than a round takes have their turns one after another", async () => {
  const cluster = await ShardCluster.start({
    nodes: ["a"],
    options: { applyBytesMax: 1, blockBytesMax: 1 },
  });
  const groups = [1, 2, 3];
  for (const group of groups) await cluster.createGroup("a", group);
  const client = cluster.client("a");
  for (let at = 0; at < 20; at += 1) for (const group of groups) client.propose(group, `c${at}`);
  await cluster.run();
  const answered = client.answered.slice(-60).map(({ what }) => what);
  assert.equal(answered.length, 60);
  for (const group of groups) {
    const early = answered.slice(0, 30).filter((what) => what.startsWith(`propose(${group},`));
    assert.equal(early.length, 10, `group ${group} has its third of the first half`);
  }
  await cluster.close();
});

test("while a long log is applied in slices, heartbeats are answered and the leader stays", async () => {
  const cluster = await ShardCluster.start({ options: { applyBytesMax: 1, blockBytesMax: 1 } });
  await cluster.createGroup("a", 1);
  for (let at = 0; at < 200; at += 1) cluster.client("a", 1).propose(1, `c${at}`);
  await cluster.run();
  await cluster.crash("b");
  await cluster.boot("b");
  await cluster.introduce();
  const { term } = await cluster.status("a", 1);
  await cluster.tick(30);
  assert.equal((await cluster.status("a", 1)).term, term);
  assert.equal(await cluster.digest("b", 1), await cluster.digest("a", 1));
  await cluster.close();
});

test("a thousand groups take proposals at once, in frames that are few", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a", "b", "c"], shards: 2 });
  const creations = Array.from({ length: 1_000 }, (_, group) =>
    cluster.client("a", group).control({
      kind: "createGroup",
      group,
      members: cluster.nodes,
      timeoutMs: 1_000,
      campaign: true,
    }),
  );
  await cluster.settle(creations);
  await cluster.tick(2);
  for (const creation of creations) assert.ok(creation.control !== undefined);
  const before = (await cluster.stats("a")).transport.framesSent;
  const calls = Array.from({ length: 1_000 }, (_, group) =>
    cluster.client("a", group).propose(group, `g${group}`),
  );
  await cluster.run();
  for (const call of calls) assert.deepEqual(call.results(), ["1"]);
  const after = (await cluster.stats("a")).transport.framesSent;
  assert.ok(after - before < 100, `${after - before} frames carried 1,000 proposals`);
  await cluster.close();
});

test("shards restarted from their disks replay to the same state and go on", async () => {
  const cluster = await ShardCluster.start({ seed: 5 });
  await cluster.createGroup("a", 1);
  for (const command of ["x", "y", "z"]) cluster.client("a", 1).propose(1, command);
  await cluster.run();
  const digest = await cluster.digest("a", 1);
  for (const node of cluster.nodes) await cluster.crash(node);
  for (const node of cluster.nodes) await cluster.boot(node);
  await cluster.introduce();
  const leader = await cluster.awaitLeader(1);
  const read = cluster.client(leader, 1).read(1, "");
  const more = cluster.client(leader, 1).propose(1, "w");
  await cluster.run();
  await cluster.tick(5);
  assert.deepEqual(more.results(), ["4"]);
  assert.match(read.text(), /^x,y,z/);
  for (const node of cluster.nodes) assert.equal(await cluster.digest(node, 1), `${digest},w`);
  await cluster.close();
});

test("a group stops, refuses, starts again with its log, and is where it was left after a restart", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"] });
  await cluster.createGroup("a", 1);
  const client = cluster.client("a");
  client.propose(1, "x");
  await cluster.run();
  const stopped = [1, 2].map(() => client.control({ kind: "stopGroup", group: 1 }));
  const refused = [client.propose(1, "y"), client.read(1, ""), client.readLocal(1, "")];
  await cluster.run();
  for (const call of stopped) assert.equal(call.answer(), null);
  for (const call of refused) assert.equal(call.failure().code, "ERR_GROUP_STOPPED");
  await cluster.crash("a");
  await cluster.restart("a");
  assert.equal((await cluster.status("a", 1)).state, "stopped");
  const started = cluster.client("a").control({ kind: "startGroup", group: 1 });
  await cluster.run();
  assert.equal(started.answer(), null);
  await cluster.awaitLeader(1);
  assert.equal(await cluster.digest("a", 1), "x");
  await cluster.close();
});

test("a group that stops and starts in one breath hands over, answers what waited and keeps its entries", async () => {
  const cluster = await ShardCluster.start({ seed: 8 });
  await cluster.createGroup("a", 1);
  const client = cluster.client("a", 1);
  const waiting = [client.propose(1, "x"), client.read(1, "")];
  client.control({ kind: "stopGroup", group: 1 });
  client.control({ kind: "startGroup", group: 1 });
  await cluster.run();
  assert.deepEqual(waiting[0]?.results(), ["1"], "what came before the stop is served");
  assert.equal(waiting[1]?.text(), "x");
  const leader = await cluster.awaitLeader(1, ["b", "c"]);
  const next = cluster.client(leader, 1).propose(1, "y");
  await cluster.run();
  await cluster.tick(5);
  assert.deepEqual(next.results(), ["2"]);
  for (const node of cluster.nodes) assert.equal(await cluster.digest(node, 1), "x,y");
  await cluster.close();
});

test("a shard that closes answers everything that waits", async () => {
  const cluster = await ShardCluster.start();
  await cluster.createGroup("a", 1);
  cluster.isolate("a");
  const client = cluster.client("a", 1);
  const sealed = client.propose(1, "x");
  await cluster.run();
  const open = client.propose(1, "y");
  const read = client.read(1, "");
  const creation = client.control({
    kind: "createGroup",
    group: 2,
    members: ["a", "b", "c"],
    timeoutMs: 1_000,
    campaign: true,
  });
  client.control({ kind: "close" });
  await cluster.run();
  assert.equal(sealed.failure().outcome, "unknown");
  assert.equal(open.failure().outcome, "none");
  assert.equal(read.failure().outcome, "none");
  for (const call of [sealed, open, read]) assert.equal(call.failure().code, "ERR_ENGINE_CLOSED");
  assert.equal(creation.failure().code, "ERR_ENGINE_CLOSED");
  assert.equal(creation.failure().outcome, "unknown", "what it began may be on disk");
  await cluster.close();
});

test("a link that goes down fails no call in flight on another link to the same node", async () => {
  const nodes = ["a", "b", "c", "d"];
  const cluster = await ShardCluster.start({ nodes, shardsOf: { b: 2 } });
  const groups = [0, 1].map((shard) => {
    let group = 1;
    while (shardOfGroup(group, 2) !== shard) group += 1;
    return group;
  });
  for (const group of groups) await cluster.createGroup("b", group);
  // Without a majority the calls wait.
  for (const node of ["c", "d"]) await cluster.crash(node);
  const calls = groups.map((group) =>
    cluster.client("a", group).propose(group, "x", { forward: true }),
  );
  await cluster.run();
  assert.deepEqual(
    calls.map(({ settled }) => settled),
    [false, false],
  );
  await cluster.at("b", groups[1]).transport.close();
  await cluster.run();
  assert.equal(calls[1]?.failure().code, "ERR_LEADERSHIP_LOST");
  assert.equal(calls[0]?.settled, false);
  await cluster.close();
});
