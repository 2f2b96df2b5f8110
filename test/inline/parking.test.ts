import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../src/base/index.ts";
import { MessageBatch, bodyOfFrame, readMessages } from "../../src/wire/index.ts";
import { ShardCluster } from "./shard-cluster.ts";

const groups = [1, 2, 3, 4, 5, 6];

/** Three nodes whose groups, led by `a`, have nothing to do and have parked. */
async function startParked(): Promise<ShardCluster> {
  const cluster = await ShardCluster.start({ options: { parkTicks: 4 } });
  for (const group of groups) await cluster.createGroup("a", group);
  await cluster.tick(12);
  await assertParked(cluster, cluster.nodes);
  return cluster;
}

async function assertParked(cluster: ShardCluster, nodes: readonly string[]): Promise<void> {
  for (const node of nodes) assert.equal((await cluster.stats(node)).awake, 0, node);
}

/** Some election timeouts, in which nobody calls. */
const soon = 60;

async function assertLed(
  cluster: ShardCluster,
  by: readonly string[],
  led: readonly number[] = groups,
): Promise<void> {
  await cluster.tick(soon);
  for (const group of led) {
    const leaders = [];
    for (const node of by) {
      if ((await cluster.status(node, group)).role === "leader") leaders.push(node);
    }
    assert.equal(leaders.length, 1, `leaders of group ${group}: ${leaders.join(", ")}`);
  }
}

function speaksOfGroups(frame: Uint8Array): boolean {
  let messages = 0;
  readMessages(bodyOfFrame(frame), 1, 2, {
    onMessage: () => {
      messages += 1;
    },
    onShardMessage: () => {},
  });
  return messages > 0;
}

/** Makes a contradiction reach a group's leader: a heartbeat of its own term from another node. */
async function contradict(cluster: ShardCluster, from: string, group: number): Promise<void> {
  const { term, incarnation } = await cluster.status(from, group);
  const batch = new MessageBatch();
  const rest = { from: 1, to: 2, term, commit: 0, commitTerm: 0, readRound: 0 };
  batch.addMessage(group, incarnation, { kind: "heartbeatRequest", ...rest });
  cluster.at(from).transport.link("a", group)?.send("control", batch.take());
  await cluster.run();
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

test("a parked group whose leader is stopped elects another, though nobody calls it", async () => {
  const cluster = await startParked();
  for (const group of groups) cluster.client("a").control({ kind: "stopGroup", group });
  await assertLed(cluster, ["b", "c"]);
  await cluster.close();
});

test("a parked group whose leader is disabled elects another, though nobody calls it", async () => {
  const cluster = await startParked();
  await contradict(cluster, "b", 3);
  assert.equal((await cluster.status("a", 3)).state, "disabled");
  await assertLed(cluster, ["b", "c"], [3]);
  await assertLed(cluster, ["a"], [1, 2]);
  await cluster.close();
});

test("a parked group whose leader resigns elects another, though nobody calls it", async () => {
  const cluster = await startParked();
  cluster.client("a").control({ kind: "resign", group: 2 });
  await assertLed(cluster, ["a", "b", "c"], [2]);
  assert.ok((await cluster.status("b", 2)).term > 1);
  await cluster.close();
});

test("the end of one leadership wakes no other parked group", async () => {
  const cluster = await startParked();
  cluster.client("a").control({ kind: "stopGroup", group: 1 });
  cluster.delivered.length = 0;
  await cluster.tick(soon);
  const spoken = new Set(cluster.delivered.map(({ group }) => group));
  assert.deepEqual([...spoken], [1]);
  await cluster.close();
});

test("more leaderships end at once than a sign of life can name, and every group is led again", async () => {
  const cluster = await ShardCluster.start({ options: { parkTicks: 4 } });
  const many = Array.from({ length: limits.endingsMax + 20 }, (_, at) => at + 1);
  const calls = many.map((group) => {
    const members = cluster.nodes;
    const call = { kind: "createGroup", group, members, timeoutMs: 9_000, campaign: true } as const;
    return cluster.client("a").control(call);
  });
  await cluster.settle(calls);
  await cluster.tick(20);
  await assertParked(cluster, cluster.nodes);
  cluster.delivered.length = 0;
  const kept = many.splice(0, 5);
  for (const group of many) cluster.client("a").control({ kind: "stopGroup", group });
  await assertLed(cluster, ["b", "c"], many);
  // Followers of the others wake, too, and ask their leader, who is still there.
  await assertLed(cluster, ["a"], kept);
  const campaigns = cluster.delivered.filter(({ group, kind }) => {
    return kept.includes(group) && kind === "preVoteRequest";
  });
  assert.deepEqual(campaigns, []);
  await cluster.close();
});

test("a parked group whose leader's shard has restarted before it was missed elects again", async () => {
  const cluster = await startParked();
  await cluster.crash("a");
  await cluster.restart("a");
  await assertLed(cluster, ["a", "b", "c"]);
  await cluster.tick(soon);
  await assertParked(cluster, cluster.nodes);
  await cluster.close();
});

test("parked replicas wake when their leader leaves the address book, and elect when it dies silently", async () => {
  const cluster = await startParked();
  const addressOf = (node: string): string => `memory:${cluster.at(node).transport.port}`;
  cluster.client("b").control({ kind: "setPeers", addresses: { c: addressOf("c") } });
  cluster.client("c").control({ kind: "setPeers", addresses: { b: addressOf("b") } });
  await cluster.run();
  for (const node of ["b", "c"]) {
    assert.equal((await cluster.stats(node)).awake, groups.length, node);
  }
  pause(cluster, "a");
  await assertLed(cluster, ["b", "c"]);
});

test("a parked follower whose forwarded call the supposed leader refuses wakes and suspects it", async () => {
  const cluster = await startParked();
  // Nobody is fit to take its place: it stops without a handover.
  const led = cluster.at("a").shard.replicas.get(1);
  for (const progress of led?.raft.state.followers ?? []) progress.becomeSnapshot();
  cluster.client("a").control({ kind: "stopGroup", group: 1 });
  const call = cluster.client("b").propose(1, "x", { forward: true });
  // No time passes: its leader's shard has not said yet that it does not lead any more.
  await cluster.run();
  assert.equal(call.failure().code, "ERR_GROUP_STOPPED");
  assert.equal((await cluster.status("b", 1)).parked, false);
  assert.equal((await cluster.status("c", 1)).parked, true);
  await assertLed(cluster, ["b", "c"], [1]);
  await cluster.close();
});

for (const gone of ["dead", "unreachable", "without its disk", "stopped"]) {
  test(`groups with a member that is ${gone} park, and bring it up to date when it returns`, async () => {
    const cluster = await startParked();
    if (gone === "dead") await cluster.crash("c");
    else if (gone === "unreachable") cluster.isolate("c");
    else if (gone === "stopped") {
      for (const group of groups) cluster.client("c").control({ kind: "stopGroup", group });
    } else {
      await cluster.crash("c");
      cluster.loseDisk("c");
      await cluster.restart("c");
    }
    const writes = groups.map((group) => cluster.client("a").propose(group, "x"));
    await cluster.settle(writes);
    await cluster.tick(soon);
    await assertParked(cluster, ["a", "b"]);
    cluster.delivered.length = 0;
    await cluster.tick(soon);
    const spoken = cluster.delivered.filter(({ from }) => from !== "c");
    assert.deepEqual(spoken, [], "idle groups send nothing");
    if (gone === "dead") await cluster.restart("c");
    else if (gone === "unreachable") await cluster.rejoin("c");
    else if (gone === "stopped") {
      for (const group of groups) cluster.client("c").control({ kind: "startGroup", group });
    } else return;
    // Before it would campaign by itself.
    await cluster.tick(cluster.options.electionTicks - 1);
    for (const group of groups) assert.equal(await cluster.digest("c", group), "x");
    await cluster.tick(soon);
    await assertParked(cluster, cluster.nodes);
    assert.equal((await cluster.status("a", 1)).role, "leader", "nobody was unseated");
    await cluster.close();
  });
}

test("a group that has lost its majority does not park: its leader finds out", async () => {
  const cluster = await startParked();
  await cluster.crash("b");
  await cluster.tick(soon);
  await assertParked(cluster, ["a", "c"]);
  await cluster.crash("c");
  await cluster.tick(soon);
  for (const group of groups) {
    const { role, parked } = await cluster.status("a", group);
    assert.notEqual(role, "leader");
    assert.equal(parked, false);
  }
});

test("a follower whose leader does not hear it does not stay parked", async () => {
  const cluster = await startParked();
  // Nothing that it sends arrives, and of its leader's only the shard's signs of life: the leader
  // parks without it, and it must know.
  cluster.loses = ({ from, to, frame }) => {
    return from.node === "c" || (to.node === "c" && speaksOfGroups(frame));
  };
  await cluster.tick(soon);
  assert.equal((await cluster.stats("c")).awake, groups.length);
  const writes = groups.map((group) => cluster.client("a").propose(group, "x"));
  await cluster.settle(writes);
  await cluster.tick(10 * soon);
  await assertParked(cluster, ["a", "b"]);
  cluster.loses = undefined;
  // It campaigns rarely by now, having heard nobody for so long: its leader wakes for it.
  await cluster.tick(cluster.options.electionTicks);
  for (const group of groups) assert.equal(await cluster.digest("c", group), "x");
  await cluster.tick(soon);
  await assertParked(cluster, cluster.nodes);
  await cluster.close();
});

test("the age of what a replica knows is infinite until it hears a leader, and begins when it ceases to lead", async () => {
  const cluster = await startParked();
  const age = async (node: string): Promise<number> => {
    return (await cluster.status(node, 1)).leaderHeardMs;
  };
  await cluster.tick(1_000);
  await cluster.crash("c");
  await cluster.boot("c");
  await cluster.tick(5);
  assert.equal(await age("c"), Number.POSITIVE_INFINITY);
  await cluster.introduce();
  await cluster.tick(5);
  const heardMs = await age("c");
  assert.ok(heardMs <= 5 * cluster.options.tickMs, `${heardMs} ms`);
  assert.equal(await age("a"), 0);
  for (const node of ["b", "c"]) await cluster.crash(node);
  await cluster.tick(soon);
  const ledMs = await age("a");
  assert.ok(ledMs > 0 && ledMs <= soon * cluster.options.tickMs, `${ledMs} ms`);
});

test("the age of what a parked follower knows is that of its leader's shard's last sign of life", async () => {
  const cluster = await startParked();
  const { tickMs, heartbeatTicks } = cluster.options;
  await cluster.tick(1_000);
  const atMost = tickMs * (heartbeatTicks + 1);
  const age = async (): Promise<number> => (await cluster.status("b", 1)).leaderHeardMs;
  assert.ok((await age()) <= atMost, `${await age()} ms`);
  const local = cluster.client("b").readLocal(1, "");
  await cluster.run();
  assert.ok((local.value?.ageMs ?? Infinity) <= atMost, `${local.value?.ageMs} ms`);
  // Nobody vouches any more: from then on it grows, and not from when the group parked.
  pause(cluster, "a", "c");
  await cluster.tick(100);
  const silentMs = await age();
  assert.ok(silentMs >= 100 * tickMs && silentMs <= 100 * tickMs + atMost, `${silentMs} ms`);
});
