import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupId, Incarnation } from "../../src/base/index.ts";
import { decodeCbor, encodeCbor } from "../../src/wire/index.ts";
import type { ShardMessage, ShardRequest } from "../../src/wire/index.ts";
import { FakePeer } from "./fake-peer.ts";
import { ShardCluster } from "./shard-cluster.ts";
import { TrialStore } from "./trial-store.ts";

/** Requests that ask it to make its replica, in the order in which they came. */
function creationsAsked(peer: FakePeer): ShardRequest[] {
  return peer.shardMessages.flatMap((message) => {
    return message.kind === "shardRequest" && message.op === 3 ? [message] : [];
  });
}

/** Which replica of a node a request is from. */
function incarnationIn({ payload }: ShardRequest, node: string): Incarnation {
  const offer = decodeCbor(payload);
  assert.ok(Array.isArray(offer) && Array.isArray(offer[2]));
  const members: readonly unknown[] = offer[2];
  const member = members.find((each) => Array.isArray(each) && each[0] === node);
  assert.ok(Array.isArray(member) && typeof member[1] === "number");
  return member[1];
}

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

test("of the groups that lack a member none waits while others ask again and again", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"], options: { requestsMax: 8 } });
  const peer = await FakePeer.start(cluster, "x", "a");
  const groups = Array.from({ length: 16 }, (_, at) => at + 1);
  const last = groups.length;
  for (const group of groups) await cluster.createGroup("a", group, ["a", "x"]);
  const incarnations = new Map<GroupId, Incarnation>();
  for (const request of creationsAsked(peer)) {
    incarnations.set(request.group, incarnationIn(request, "a"));
  }
  const unknown = (group: GroupId): ShardMessage => {
    const incarnation = incarnations.get(group) ?? 0;
    return { kind: "groupUnknown", group, incarnation, present: false };
  };
  peer.joins = false;
  peer.shardMessages.length = 0;
  // One request at a time. The last group's parks after this; that of the others never does.
  peer.send("a", [unknown(1), unknown(last)]);
  let answered = 0;
  for (let tick = 0; tick < 2 * last; tick += 1) {
    await cluster.run();
    // Each frame ends a request, and tells that all the others are missed, too.
    const ended = creationsAsked(peer).slice(answered);
    answered += ended.length;
    const answers = ended.map(({ id, group }): ShardMessage => {
      const payload = encodeCbor(["not now"]);
      return { kind: "shardResponse", id, group, failed: true, index: 0, payload };
    });
    peer.send("a", [...answers, ...groups.slice(0, -1).map(unknown)]);
    await cluster.tick();
  }
  const asked = new Set(creationsAsked(peer).map(({ group }) => group));
  assert.deepEqual(
    [...asked].toSorted((a, b) => a - b),
    groups,
  );
  await cluster.close();
});

test("calls that wait for another node keep no group from being created", async () => {
  const stores = new Map<string, TrialStore>();
  const cluster = await ShardCluster.start({
    options: { requestsMax: 8 },
    makeStore: (node, disk) => {
      const store = new TrialStore(disk, 4);
      stores.set(node, store);
      return store;
    },
  });
  await cluster.createGroup("b", 1);
  const store = stores.get("b");
  assert.ok(store !== undefined);
  store.holding = true;
  const calls = Array.from({ length: 9 }, (_, at) => {
    return cluster.client("a", 1).propose(1, `x${at}`, { forward: true, timeoutMs: 60_000 });
  });
  await cluster.run();
  assert.equal(calls.at(-1)?.failure().code, "ERR_BUSY");
  assert.ok(calls.slice(0, -1).every(({ settled }) => !settled));
  const created = await cluster.createGroup("a", 2, ["a", "c"]);
  assert.deepEqual(created, { started: ["a", "c"], notStarted: [] });
  store.holding = false;
  store.release();
  await cluster.settle(calls);
  await cluster.close();
});
