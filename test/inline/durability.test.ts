import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftError } from "../../src/base/index.ts";
import type { NodeId } from "../../src/base/index.ts";
import { bodyOfFrame, readMessages } from "../../src/wire/index.ts";
import { ShardCluster } from "./shard-cluster.ts";
import type { ClusterOptions, Delivered } from "./shard-cluster.ts";
import { TrialStore } from "./trial-store.ts";

/** A cluster on TrialStores and the store of one of its nodes. */
async function startHeld(
  settings: ClusterOptions & { commitsInFlightMax?: number } = {},
): Promise<{ cluster: ShardCluster; storeOf: (node: NodeId) => TrialStore }> {
  const stores = new Map<NodeId, TrialStore>();
  const cluster = await ShardCluster.start({
    ...settings,
    makeStore: (node, disk) => {
      const store = new TrialStore(disk, settings.commitsInFlightMax);
      stores.set(node, store);
      return store;
    },
  });
  const storeOf = (node: NodeId): TrialStore => {
    const store = stores.get(node);
    assert.ok(store !== undefined);
    return store;
  };
  return { cluster, storeOf };
}

function sentBy(cluster: ShardCluster, node: NodeId, kind: Delivered["kind"]): Delivered[] {
  return cluster.delivered.filter(({ from, kind: of }) => from === node && of === kind);
}

/** What a replica has said; that it does not run is its shard's word. */
function saidBy(cluster: ShardCluster, node: NodeId): Delivered[] {
  return cluster.delivered.filter(({ from, kind }) => from === node && kind !== "groupUnknown");
}

/** Counts what a node's shards say of themselves from now on. */
function signsOfLife(cluster: ShardCluster, node: NodeId): { count: number } {
  const signs = { count: 0 };
  cluster.loses = ({ from, frame }) => {
    if (from.node !== node) return false;
    readMessages(bodyOfFrame(frame), 1, 2, {
      onMessage: () => {},
      onShardMessage: ({ kind }) => {
        if (kind === "shardAlive") signs.count += 1;
      },
    });
    return false;
  };
  return signs;
}

for (const commitsInFlightMax of [1, 2]) {
  test(`appends leave before the leader's own commit, acknowledgements and its own match after theirs (${commitsInFlightMax} in flight)`, async () => {
    const { cluster, storeOf } = await startHeld({ commitsInFlightMax });
    await cluster.createGroup("a", 1);
    await cluster.tick(2);
    for (const node of ["a", "b", "c"]) storeOf(node).holding = true;
    cluster.delivered.length = 0;
    const call = cluster.client("a", 1).propose(1, "x");
    await cluster.run();
    assert.equal(sentBy(cluster, "a", "appendRequest").length, 2, "entries leave at once");
    assert.equal(storeOf("b").heldCommits, 1);
    assert.equal(sentBy(cluster, "b", "appendResponse").length, 0, "nothing is acknowledged yet");
    storeOf("b").release();
    await cluster.run();
    assert.equal(sentBy(cluster, "b", "appendResponse").length, 1);
    assert.ok(!call.settled, "one disk of three is no majority: the leader's own is not durable");
    storeOf("a").release();
    await cluster.run();
    assert.deepEqual(call.results(), ["1"], "two disks of three are");
    for (const node of ["a", "b", "c"]) {
      storeOf(node).holding = false;
      storeOf(node).release();
    }
    await cluster.close();
  });
}

test("followers alone are a majority, but the leader answers only with its own disk behind it", async () => {
  const { cluster, storeOf } = await startHeld();
  await cluster.createGroup("a", 1);
  storeOf("a").holding = true;
  const call = cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  await cluster.tick(2);
  assert.ok(!call.settled);
  storeOf("a").holding = false;
  storeOf("a").release();
  await cluster.run();
  assert.deepEqual(call.results(), ["1"]);
  await cluster.close();
});

test("neither a vote nor the question for votes leaves before the ballot is durable", async () => {
  const { cluster, storeOf } = await startHeld();
  await cluster.createGroup("a", 1);
  await cluster.tick(2);
  for (const node of ["b", "c"]) storeOf(node).holding = true;
  cluster.delivered.length = 0;
  const campaign = cluster.client("b", 1).control({ kind: "campaign", group: 1, force: true });
  await cluster.run();
  assert.equal(campaign.answer(), true);
  assert.equal(storeOf("b").heldCommits, 1, "the candidate's ballot is in flight");
  assert.equal(sentBy(cluster, "b", "voteRequest").length, 0);
  storeOf("b").release(1);
  await cluster.run();
  assert.equal(sentBy(cluster, "b", "voteRequest").length, 2);
  assert.equal(storeOf("c").heldCommits, 1, "the voter's ballot is in flight");
  assert.equal(sentBy(cluster, "c", "voteResponse").length, 0);
  storeOf("c").release(1);
  await cluster.run();
  assert.equal(sentBy(cluster, "c", "voteResponse").length, 1);
  for (const node of ["b", "c"]) {
    storeOf(node).holding = false;
    storeOf(node).release();
  }
  await cluster.close();
});

test("heartbeats are answered while another group's commit is in flight, acknowledgements wait for it", async () => {
  const { cluster, storeOf } = await startHeld({
    commitsInFlightMax: 2,
    options: { parkTicks: 0 },
  });
  await cluster.createGroup("a", 1);
  await cluster.createGroup("a", 2);
  await cluster.tick(2);
  storeOf("b").holding = true;
  cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  assert.equal(storeOf("b").heldCommits, 1);
  cluster.delivered.length = 0;
  // Group 2's leader asks b where it stands, in a term that b's disk knows: nothing of group 2 is
  // to be written.
  await cluster.tick(4);
  const answered = sentBy(cluster, "b", "heartbeatResponse").filter(({ group }) => group === 2);
  assert.ok(answered.length > 0, "heartbeats go on");
  assert.equal(sentBy(cluster, "b", "appendResponse").length, 0);
  storeOf("b").holding = false;
  storeOf("b").release();
  await cluster.run();
  assert.ok(sentBy(cluster, "b", "appendResponse").length >= 1);
  await cluster.close();
});

test("with two commits in flight, what needs no commit of its own still waits for those before it", async () => {
  const { cluster, storeOf } = await startHeld({ commitsInFlightMax: 2 });
  await cluster.createGroup("a", 1);
  await cluster.tick(2);
  storeOf("b").holding = true;
  cluster.delivered.length = 0;
  const first = cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  // The link is lost and back: the leader asks again for what b has, which brings b nothing to
  // write.
  cluster.network.cut("a", "b");
  await cluster.run();
  cluster.network.heal("a", "b");
  await cluster.run();
  await cluster.tick(6);
  assert.equal(storeOf("b").heldCommits, 1);
  const repeats = cluster.delivered.filter(
    ({ to, kind }) => to === "b" && kind === "appendRequest",
  );
  assert.ok(repeats.length >= 2, "the leader asked again");
  assert.equal(sentBy(cluster, "b", "appendResponse").length, 0, "b's answer promises the entry");
  storeOf("b").holding = false;
  storeOf("b").release();
  await cluster.run();
  assert.ok(sentBy(cluster, "b", "appendResponse").length > 0);
  assert.deepEqual(first.results(), ["1"]);
  await cluster.close();
});

test("a group whose creation is not durable yet is not said to be started", async () => {
  const { cluster, storeOf } = await startHeld({ commitsInFlightMax: 2 });
  storeOf("b").holding = true;
  cluster.delivered.length = 0;
  const creation = cluster.client("a", 1).control({
    kind: "createGroup",
    group: 1,
    members: cluster.nodes,
    timeoutMs: 100_000,
    campaign: true,
  });
  await cluster.run();
  // Asked again while its first commit is in flight, the member must not answer earlier.
  await cluster.tick(4);
  assert.equal(sentBy(cluster, "b", "shardResponse").length, 0);
  assert.ok(!creation.settled);
  storeOf("b").holding = false;
  storeOf("b").release();
  await cluster.run();
  assert.equal(creation.answer<{ started: string[] }>().started.length, 3);
  await cluster.close();
});

test("a replica that is stopped while its entries are on their way to the disk acknowledges none of them", async () => {
  const { cluster, storeOf } = await startHeld({ commitsInFlightMax: 2 });
  await cluster.createGroup("a", 1);
  storeOf("b").holding = true;
  cluster.delivered.length = 0;
  cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  assert.equal(storeOf("b").heldCommits, 1);
  const stops = [cluster.client("b").control({ kind: "stopGroup", group: 1 })];
  await cluster.run();
  assert.equal(storeOf("b").heldCommits, 2);
  storeOf("b").release(1);
  await cluster.run();
  assert.equal(sentBy(cluster, "b", "appendResponse").length, 0);
  stops.push(cluster.client("b").control({ kind: "stopGroup", group: 1 }));
  await cluster.run();
  for (const stop of stops) assert.ok(!stop.settled, "it is not on disk that it is stopped");
  storeOf("b").holding = false;
  storeOf("b").release();
  await cluster.run();
  for (const stop of stops) assert.equal(stop.answer(), null);
  await cluster.tick(40);
  assert.deepEqual(saidBy(cluster, "b"), []);
  storeOf("b").holding = true;
  const starts = [1, 2].map(() => cluster.client("b").control({ kind: "startGroup", group: 1 }));
  await cluster.run();
  for (const start of starts) assert.ok(!start.settled, "it is not on disk that it runs");
  storeOf("b").holding = false;
  storeOf("b").release();
  await cluster.run();
  for (const start of starts) assert.equal(start.answer(), null);
  await cluster.close();
});

test("a store that refuses a commit ends its shard: all calls answered, nothing said afterwards", async () => {
  const { cluster, storeOf } = await startHeld();
  await cluster.createGroup("a", 1);
  await cluster.createGroup("a", 2);
  await cluster.tick(2);
  storeOf("a").holding = true;
  const client = cluster.client("a", 1);
  const sealed = client.propose(1, "x");
  await cluster.run();
  const open = client.proposeBatch(2, ["y", "z"]);
  const read = client.read(1, "");
  const stop = client.control({ kind: "stopGroup", group: 2 });
  await cluster.run();
  cluster.delivered.length = 0;
  storeOf("a").breakDown();
  await cluster.run();
  assert.ok(cluster.at("a").ended);
  assert.equal(client.failure?.code, "ERR_STORE_FAILED");
  assert.equal(sealed.failure().code, "ERR_STORE_FAILED");
  assert.equal(sealed.failure().outcome, "unknown");
  assert.equal(open.failure().outcome, "none");
  assert.equal(read.failure().outcome, "none");
  assert.equal(stop.failure().outcome, "unknown");
  assert.deepEqual(
    cluster.delivered.filter(({ from }) => from === "a"),
    [],
  );
  const leader = await cluster.awaitLeader(1, ["b", "c"]);
  const next = cluster.client(leader, 1).propose(1, "w");
  await cluster.run();
  assert.equal(next.results().length, 1);
  await cluster.close();
});

test("what needs no disk is answered while the disk stalls", async () => {
  const { cluster, storeOf } = await startHeld();
  await cluster.createGroup("a", 1);
  await cluster.createGroup("b", 2);
  const before = cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  assert.deepEqual(before.results(), ["1"]);
  await cluster.tick(2);
  storeOf("a").holding = true;
  const client = cluster.client("a", 1);
  const held = client.propose(1, "y");
  await cluster.run();
  // Another round that has something to write, and has to wait.
  client.propose(1, "z");
  await cluster.run();
  assert.equal(storeOf("a").heldCommits, 1);
  const local = client.readLocal(1, "");
  const follower = client.propose(2, "w");
  const unknown = client.propose(3, "w");
  await cluster.run();
  assert.equal(local.text(), "x");
  assert.equal(follower.failure().code, "ERR_NOT_LEADER");
  assert.equal(unknown.failure().code, "ERR_GROUP_NOT_FOUND");
  assert.equal((await cluster.status("a", 1)).role, "leader");
  assert.ok((await cluster.stats("a")).rounds > 0);
  assert.ok(!held.settled);
  storeOf("a").holding = false;
  storeOf("a").release();
  await cluster.tick(2);
  assert.deepEqual(held.results(), ["2"]);
  await cluster.close();
});

for (const commitsInFlightMax of [1, 8]) {
  test(`a shard whose disk stalls for an election timeout gives up its groups, parked ones too, and takes part again with its disk (${commitsInFlightMax} in flight)`, async () => {
    const { cluster, storeOf } = await startHeld({
      commitsInFlightMax,
      options: { parkTicks: 4 },
    });
    await cluster.createGroup("a", 1);
    await cluster.createGroup("a", 2);
    await cluster.tick(12);
    assert.equal((await cluster.stats("a")).awake, 0);
    storeOf("a").holding = true;
    // One commit hangs, and nothing else is to be written: the loop goes on.
    const held = cluster.client("a", 1).propose(1, "x");
    await cluster.run();
    const { electionTicks } = cluster.options;
    await cluster.tick(electionTicks - 1);
    assert.equal((await cluster.status("a", 2)).role, "leader", "it may be a slow disk");
    await cluster.tick(1);
    cluster.delivered.length = 0;
    const signs = signsOfLife(cluster, "a");
    for (const group of [1, 2]) {
      assert.equal((await cluster.status("a", group)).role, "follower");
    }
    assert.equal(held.failure().code, "ERR_LEADERSHIP_LOST");
    await cluster.tick(4 * electionTicks);
    assert.deepEqual(saidBy(cluster, "a"), []);
    assert.equal(signs.count, 0);
    for (const group of [1, 2]) {
      assert.notEqual(await cluster.awaitLeader(group, ["b", "c"]), "a");
    }
    storeOf("a").holding = false;
    storeOf("a").release();
    await cluster.tick(4 * electionTicks);
    assert.ok(signs.count > 0);
    assert.equal(await cluster.digest("a", 1), "x");
    assert.notEqual((await cluster.status("a", 2)).leader, undefined);
    await cluster.close();
  });
}

test("a group of one member keeps its leader while its disk stalls", async () => {
  const { cluster, storeOf } = await startHeld({ nodes: ["a"] });
  await cluster.createGroup("a", 1);
  storeOf("a").holding = true;
  const held = cluster.client("a", 1).propose(1, "x");
  await cluster.tick(2 * cluster.options.electionTicks);
  assert.equal((await cluster.status("a", 1)).role, "leader");
  storeOf("a").holding = false;
  storeOf("a").release();
  await cluster.run();
  assert.deepEqual(held.results(), ["1"]);
  await cluster.close();
});

test("a follower whose store fails acknowledges nothing of what it was given", async () => {
  const { cluster, storeOf } = await startHeld({ commitsInFlightMax: 2 });
  await cluster.createGroup("a", 1);
  await cluster.tick(2);
  storeOf("b").holding = true;
  cluster.delivered.length = 0;
  cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  cluster.client("a", 1).propose(1, "y");
  await cluster.run();
  assert.equal(storeOf("b").heldCommits, 2);
  storeOf("b").breakDown();
  await cluster.run();
  assert.equal(sentBy(cluster, "b", "appendResponse").length, 0);
  assert.ok(cluster.at("b").ended);
  assert.equal(cluster.client("b").failure?.code, "ERR_STORE_FAILED");
  await cluster.close();
});

test("a replica that stops and starts in one breath has what its store was given, and no more", async () => {
  const { cluster, storeOf } = await startHeld();
  await cluster.createGroup("a", 1);
  await cluster.tick(2);
  const store = storeOf("b");
  store.holding = true;
  cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  const lastIndex = (): number | undefined => {
    return cluster.at("b", 1).shard.replicas.get(1)?.raft.state.log.lastIndex;
  };
  assert.equal(store.heldCommits, 1);
  assert.equal(lastIndex(), 2);
  // Taken from the leader while the disk is at work, and for the next commit.
  cluster.client("a", 1).propose(1, "y");
  await cluster.run();
  assert.equal(lastIndex(), 3);
  const client = cluster.client("b", 1);
  client.control({ kind: "stopGroup", group: 1 });
  client.control({ kind: "startGroup", group: 1 });
  await cluster.run();
  store.holding = false;
  store.release();
  await cluster.run();
  assert.equal(lastIndex(), 2);
  await cluster.tick(30);
  assert.equal(await cluster.digest("b", 1), "x,y");
  await cluster.close();
});

test("a replica that is started again while its disk stalls says nothing that the disk does not have", async () => {
  const { cluster, storeOf } = await startHeld({ commitsInFlightMax: 8 });
  await cluster.createGroup("a", 1);
  await cluster.tick(2);
  const store = storeOf("b");
  store.holding = true;
  const client = cluster.client("b", 1);
  // The new leader's term and first entry are on their way to the disk of b, and stay there.
  cluster.client("c", 1).control({ kind: "campaign", group: 1, force: true });
  await cluster.tick(4);
  assert.equal(await cluster.awaitLeader(1, ["c"]), "c");
  cluster.delivered.length = 0;
  client.control({ kind: "stopGroup", group: 1 });
  const start = client.control({ kind: "startGroup", group: 1 });
  await cluster.tick(20);
  assert.ok(!start.settled, "it is not on disk that it runs");
  assert.deepEqual(saidBy(cluster, "b"), []);
  store.holding = false;
  store.release();
  await cluster.tick(20);
  assert.equal(start.answer(), null);
  assert.ok(saidBy(cluster, "b").length > 0, "it takes part again");
  const status = await cluster.status("b", 1);
  assert.equal(status.leader, "c");
  assert.equal(status.stableIndex, status.lastIndex);
  await cluster.close();
});

test("of starts and stops in one breath the last one counts", async () => {
  for (const last of ["startGroup", "stopGroup"] as const) {
    const { cluster, storeOf } = await startHeld({ commitsInFlightMax: 8 });
    await cluster.createGroup("a", 1);
    await cluster.tick(2);
    const store = storeOf("b");
    store.holding = true;
    const client = cluster.client("b", 1);
    const calls = [];
    for (const kind of ["stopGroup", "startGroup", "stopGroup", last] as const) {
      calls.push(client.control({ kind, group: 1 }));
      await cluster.run();
    }
    store.holding = false;
    store.release();
    await cluster.run();
    for (const call of calls) assert.equal(call.answer(), null);
    const state = last === "startGroup" ? "running" : "stopped";
    assert.equal((await cluster.status("b", 1)).state, state);
    await cluster.crash("b");
    await cluster.restart("b");
    assert.equal((await cluster.status("b", 1)).state, state);
    await cluster.close();
  }
});

test("a leader whose log is full refuses proposals with no effect, elects, reads, and serves again", async () => {
  const { cluster, storeOf } = await startHeld();
  await cluster.createGroup("a", 1);
  const [client, other] = [cluster.client("a", 1), cluster.client("b", 1)];
  const before = client.propose(1, "before");
  await cluster.run();
  assert.deepEqual(before.results(), ["1"]);
  const full = new RaftError("ERR_STORE_FULL", "the log is full (mapBytes)");
  storeOf("a").refusal = full;
  const calls = [
    client.propose(1, "x"),
    client.proposeBatch(1, ["y", "z"]),
    other.propose(1, "forwarded", { forward: true }),
  ];
  await cluster.run();
  for (const call of calls) {
    const { code, outcome, message } = call.failure();
    assert.deepEqual([code, outcome], ["ERR_STORE_FULL", "none"]);
    assert.match(message, /mapBytes/);
  }
  assert.equal(client.events.filter(({ kind }) => kind === "storeFull").length, 1);
  const creation = client.control({
    kind: "createGroup",
    group: 2,
    members: ["a", "b", "c"],
    timeoutMs: 1_000,
    campaign: true,
  });
  const read = client.read(1, "");
  await cluster.tick(2);
  assert.equal(creation.failure().code, "ERR_STORE_FULL");
  assert.equal(read.text(), "before");
  // An election writes a ballot and an entry of its own: there is room for these.
  cluster.at("a").shard.replicas.get(1)?.raft.resign();
  client.control({ kind: "campaign", group: 1, force: true });
  await cluster.run();
  assert.equal((await cluster.status("a", 1)).role, "leader");
  storeOf("a").refusal = undefined;
  const after = client.propose(1, "after");
  await cluster.run();
  assert.deepEqual(after.results(), ["2"]);
  await cluster.close();
});

test("a follower whose log is full takes no entries, holds up nobody, and catches up when there is room", async () => {
  const { cluster, storeOf } = await startHeld();
  await cluster.createGroup("a", 1);
  await cluster.tick(2);
  storeOf("c").refusal = new RaftError("ERR_STORE_FULL", "the log is full (mapBytes)");
  await cluster.tick(2);
  const { bytesStored } = storeOf("c").stats();
  const calls = Array.from({ length: 5 }, (_, at) => cluster.client("a", 1).propose(1, `${at}`));
  await cluster.run();
  await cluster.tick(30);
  assert.deepEqual(
    calls.flatMap((call) => call.results()),
    ["1", "2", "3", "4", "5"],
  );
  const status = await cluster.status("c", 1);
  assert.ok(status.lastIndex < (await cluster.status("a", 1)).lastIndex);
  assert.ok(storeOf("c").stats().bytesStored < bytesStored + 1_000);
  storeOf("c").refusal = undefined;
  await cluster.tick(30);
  assert.equal(
    (await cluster.status("c", 1)).appliedIndex,
    (await cluster.status("a", 1)).appliedIndex,
  );
  await cluster.close();
});

test("a shard whose commit goes beyond the last of its log ends and says so, and opens again", async () => {
  const { cluster, storeOf } = await startHeld({ nodes: ["a"] });
  await cluster.createGroup("a", 1);
  const store = storeOf("a");
  store.failure = new RaftError("ERR_STORE_FULL", "the log is full; raise mapBytes");
  const call = cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  // Followers may have the entry: the outcome is not known.
  assert.deepEqual([call.failure().code, call.failure().outcome], ["ERR_STORE_FULL", "unknown"]);
  const failed = cluster.client("a", 1).events.filter(({ kind }) => kind === "failed");
  assert.match(JSON.stringify(failed), /ERR_STORE_FULL.*raise mapBytes/);
  await cluster.restart("a");
  await cluster.tick(40);
  const again = cluster.client("a", 1).propose(1, "y");
  await cluster.run();
  assert.deepEqual(again.results(), ["1"]);
  await cluster.close();
});
