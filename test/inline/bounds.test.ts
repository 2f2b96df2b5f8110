/** What waits in a shard, and what one round writes, is bounded in bytes, whatever the groups. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftError } from "../../src/base/index.ts";
import type { GroupId, NodeId } from "../../src/base/index.ts";
import type { CommitBatch } from "../../src/log/index.ts";
import { ShardCluster } from "./shard-cluster.ts";
import { TrialStore } from "./trial-store.ts";

/** Keeps account of what each commit wrote. */
class WatchedStore extends TrialStore {
  /** Called at each read of entries. */
  onRead: () => void = () => {};
  readonly written: { readonly bytes: number; readonly groups: readonly GroupId[] }[] = [];

  override read(...args: Parameters<TrialStore["read"]>): ReturnType<TrialStore["read"]> {
    this.onRead();
    return super.read(...args);
  }

  override commit(batch: CommitBatch): Promise<void> {
    let bytes = 0;
    const groups: GroupId[] = [];
    for (const { group, blocks } of batch.changes) {
      for (const block of blocks) bytes += block.bytes.length;
      if (blocks.length > 0) groups.push(group);
    }
    this.written.push({ bytes, groups });
    return super.commit(batch);
  }
}

async function startWatched(
  options: Parameters<typeof ShardCluster.start>[0],
): Promise<{ cluster: ShardCluster; stores: WatchedStore[] }> {
  const stores: WatchedStore[] = [];
  const cluster = await ShardCluster.start({
    ...options,
    makeStore: (_, disk) => {
      const store = new WatchedStore(disk);
      stores.push(store);
      return store;
    },
  });
  return { cluster, stores };
}

test("a round writes roundBytesMax of entries and a block at the most, of leaders and followers", async () => {
  const options = { roundBytesMax: 1_000, blockBytesMax: 300 };
  const { cluster, stores } = await startWatched({ options });
  const groups = [1, 2, 3, 4, 5, 6, 7, 8];
  for (const group of groups) await cluster.createGroup("a", group);
  for (const store of stores) store.holding = true;
  const client = cluster.client("a", 1);
  const calls = groups.flatMap((group) =>
    Array.from({ length: 20 }, () => client.propose(group, "x".repeat(200))),
  );
  for (let turn = 0; turn < 400 && client.unanswered.length > 0; turn += 1) {
    await cluster.run();
    // The followers' disks are slower: many rounds of the leader wait there.
    for (const [at, store] of stores.entries()) if (at === 0 || turn % 5 === 0) store.release();
  }
  for (const call of calls) assert.equal(call.results().length, 1);
  for (const { written } of stores) {
    const most = Math.max(...written.map(({ bytes }) => bytes));
    assert.ok(most > 1_000 && most <= 1_000 + 300, `${most} bytes in one round`);
  }
});

test("a group with little to write is not starved by others that fill every round", async () => {
  const options = { roundBytesMax: 1_000, blockBytesMax: 300 };
  const { cluster } = await startWatched({ options, nodes: ["a"] });
  for (const group of [1, 2, 3]) await cluster.createGroup("a", group);
  const client = cluster.client("a", 1);
  const large = [1, 2].flatMap((group) =>
    Array.from({ length: 100 }, () => client.propose(group, "x".repeat(200))),
  );
  const small = client.propose(3, "y");
  await cluster.run();
  assert.equal(
    large.every((call) => call.settled),
    true,
  );
  const position = client.answered.indexOf(small);
  assert.ok(position <= 20, `answered after ${position} others`);
});

test("a follower whose disk hangs takes in its share of entries, not the windows of all groups", async () => {
  const shardBytesMax = 400_000;
  const options = { shardBytesMax, blockBytesMax: 2_000 };
  const { cluster, stores } = await startWatched({ options });
  const groups = Array.from({ length: 40 }, (_, at) => at + 1);
  for (const group of groups) await cluster.createGroup("a", group);
  const hung = stores[2];
  assert.ok(hung !== undefined);
  hung.holding = true;
  const client = cluster.client("a", 1);
  for (let turn = 0; turn < 20; turn += 1) {
    for (const group of groups) client.propose(group, "x".repeat(1_000));
    await cluster.run();
  }
  assert.deepEqual(client.unanswered, [], "a majority serves");
  const held = tailBytesOn(cluster, "c");
  assert.ok(held >= shardBytesMax / 4, `${held} bytes: the lane is not read only when that is due`);
  assert.ok(held <= shardBytesMax / 4 + 50_000, `${held} bytes in memory of the follower`);
  assert.ok(tailBytesOn(cluster, "a") <= shardBytesMax / 4, "the leader reads back what c lacks");
  hung.holding = false;
  hung.release();
  await cluster.tick(20);
  for (const group of groups) {
    assert.equal(await cluster.digest("c", group), await cluster.digest("a", group));
  }
});

test("forwarded calls are refused as busy while those that wait use up their share", async () => {
  const options = { shardBytesMax: 80_000 };
  const { cluster, stores } = await startWatched({ options, nodes: ["a", "b", "c", "d"] });
  await cluster.createGroup("a", 1);
  await cluster.tick(2);
  const slow = stores.slice(2);
  for (const store of slow) store.holding = true;
  const calls = Array.from({ length: 300 }, () =>
    cluster.client("b", 1).propose(1, "x", { forward: true }),
  );
  await cluster.run();
  const refused = calls.filter(({ settled }) => settled);
  assert.ok(refused.length >= 100 && refused.length <= 200, `${refused.length} are refused`);
  for (const call of refused) {
    const { code, outcome, message } = call.failure();
    assert.deepEqual([code, outcome], ["ERR_BUSY", "none"]);
    assert.match(message, /shardBytesMax/);
  }
  for (const store of slow) store.holding = false;
  for (const store of slow) store.release();
  await cluster.settle(calls);
  const late = cluster.client("b", 1).propose(1, "y", { forward: true });
  await cluster.settle([late]);
  assert.equal(late.results().length, 1);
});

test("forwarded calls beyond what a lane takes wait for it, and all are answered", async () => {
  const { cluster } = await startWatched({ options: { laneBytesMax: 5_000 } });
  await cluster.createGroup("a", 1);
  await cluster.tick(2);
  const client = cluster.client("b", 1);
  const calls = Array.from({ length: 50 }, () =>
    client.propose(1, "x".repeat(1_000), { forward: true }),
  );
  await cluster.settle(calls);
  for (const call of calls) assert.equal(call.results().length, 1);
});

test("answers that cannot be sent fail their call alone, here and forwarded", async () => {
  const answer = new Uint8Array(4 * 1_048_576);
  const { cluster } = await startWatched({
    createStateMachine: () => ({
      apply: ({ end, start }) => new Uint8Array(end - start === 1 ? 1 : 20 * 1_048_576),
      query: () => answer,
    }),
  });
  await cluster.createGroup("a", 1);
  await cluster.tick(2);
  const six = Array.from({ length: 6 }, () => "q");
  const forwarded = cluster.client("b", 1).readBatch(1, six, { forward: true });
  const local = cluster.client("a", 1).readBatch(1, six);
  await cluster.settle([forwarded, local]);
  const { code, outcome, message } = forwarded.failure();
  assert.deepEqual([code, outcome], ["ERR_ENTRY_TOO_LARGE", "none"]);
  assert.match(message, /of a call have \d+ bytes/, "measured before they are encoded");
  const texts = local.value?.texts ?? [];
  assert.deepEqual(
    texts.map((text) => (text instanceof RaftError ? text.code : text.length)),
    [...Array.from({ length: 3 }, () => answer.length), ...Array.from({ length: 3 }, () => code)],
  );
  for (const node of ["a", "b"]) {
    const write = cluster.client(node, 1).propose(1, "large", { forward: true });
    await cluster.settle([write]);
    const [error] = write.results();
    assert.ok(error instanceof RaftError);
    assert.deepEqual([error.code, error.outcome], ["ERR_ENTRY_TOO_LARGE", "unknown"]);
    const next = cluster.client(node, 1).propose(1, "x", { forward: true });
    await cluster.settle([next]);
    assert.equal(next.results().length, 1);
  }
  assert.equal((await cluster.status("a", 1)).state, "running");
});

test("a follower whose disk hangs keeps one answer for each leader, however often that calls", async () => {
  const { cluster, stores } = await startWatched({ options: { parkTicks: 0 } });
  await cluster.createGroup("a", 1);
  await cluster.tick(5);
  const hung = stores[2];
  assert.ok(hung !== undefined);
  hung.holding = true;
  cluster.client("a", 1).propose(1, "x");
  await cluster.tick(200);
  const state = cluster.at("c").shard.replicas.get(1)?.raft.state;
  assert.ok(state !== undefined);
  const waiting = [...state.messages, ...state.durableMessages];
  assert.ok(waiting.length <= 3, `${waiting.length} messages wait`);
});

test("calls that are over before they are in the log have no effect, and say so", async () => {
  const { cluster, stores } = await startWatched({ nodes: ["a"] });
  await cluster.createGroup("a", 1);
  const [store] = stores;
  assert.ok(store !== undefined);
  const client = cluster.client("a", 1);
  store.holding = true;
  const sealed = client.propose(1, "sealed", { timeoutMs: 150 });
  await cluster.run();
  const expired = client.propose(1, "expired", { timeoutMs: 150 });
  const read = client.read(1, "", { timeoutMs: 150 });
  const aborted = client.propose(1, "aborted");
  const kept = client.propose(1, "kept");
  await cluster.run();
  client.cancel(aborted);
  client.cancel(sealed);
  await cluster.tick(3);
  assert.deepEqual(client.unanswered.length, 5, "the disk hangs");
  store.holding = false;
  store.release();
  await cluster.run();
  for (const call of [expired, read]) {
    assert.deepEqual([call.failure().code, call.failure().outcome], ["ERR_TIMEOUT", "none"]);
  }
  assert.deepEqual([aborted.failure().code, aborted.failure().outcome], ["ERR_ABORTED", "none"]);
  for (const call of [sealed, kept]) assert.equal(call.results().length, 1);
  assert.equal(await cluster.digest("a", 1), "sealed,kept");
});

test("calls that fail together with their leader are told in one record for each outcome", async () => {
  const { cluster, stores } = await startWatched({ nodes: ["a"] });
  await cluster.createGroup("a", 1);
  const [store] = stores;
  assert.ok(store !== undefined);
  store.holding = true;
  const client = cluster.client("a", 1);
  client.propose(1, "sealed");
  await cluster.run();
  const calls = Array.from({ length: 1_000 }, () => client.propose(1, "x"));
  await cluster.run();
  client.control({ kind: "stopGroup", group: 1 });
  await cluster.run();
  store.holding = false;
  store.release();
  await cluster.run();
  for (const call of calls) {
    assert.deepEqual([call.failure().code, call.failure().outcome], ["ERR_GROUP_STOPPED", "none"]);
  }
  assert.equal(client.failures, 2);
});

test("a round reads old entries for followers for some milliseconds only", async () => {
  const { cluster, stores } = await startWatched({ options: { tailBytesMax: 0 } });
  const groups = Array.from({ length: 12 }, (_, at) => at + 1);
  for (const group of groups) await cluster.createGroup("a", group);
  cluster.isolate("c");
  await cluster.run();
  for (const group of groups) cluster.client("a", 1).propose(group, "old");
  await cluster.run();
  const [store] = stores;
  assert.ok(store !== undefined);
  let most = 0;
  let inTurn = 0;
  store.onRead = () => {
    // The disk is cold: each read takes 2 ms. Rounds are in different turns.
    cluster.nowMs += 2;
    if (inTurn === 0) void Promise.resolve().then(() => (inTurn = 0));
    inTurn += 1;
    most = Math.max(most, inTurn);
  };
  await cluster.rejoin("c");
  await cluster.tick(20);
  assert.ok(most >= 2 && most <= 4, `${most} reads in one round`);
  for (const group of groups) {
    assert.equal(await cluster.digest("c", group), await cluster.digest("a", group));
  }
});

function tailBytesOn(cluster: ShardCluster, node: NodeId): number {
  let bytes = 0;
  for (const { raft } of cluster.at(node).shard.replicas.values())
    bytes += raft.state.log.tailBytes;
  return bytes;
}

test("a follower that is behind catches up though another one, that is down, is behind it", async () => {
  const nodes = ["a", "b", "c", "d", "e"];
  const { cluster } = await startWatched({ options: { tailBytesMax: 0 }, nodes });
  await cluster.crash("d");
  await cluster.createGroup("a", 1);
  const running = nodes.filter((node) => node !== "d");
  const leader = await cluster.awaitLeader(1, running);
  const behind = running.find((node) => node !== leader) ?? "";
  const client = cluster.client(leader, 1);
  const writeOne = async (): Promise<void> => {
    const call = client.propose(1, "x".repeat(50));
    await cluster.settle([call]);
    assert.equal(call.results().length, 1);
  };
  // More commit records than are read in one turn.
  for (let count = 0; count < 60; count += 1) await writeOne();
  cluster.isolate(behind);
  for (let count = 0; count < 15; count += 1) await writeOne();
  await cluster.rejoin(behind);
  await cluster.introduce();
  await cluster.tick(40);
  assert.equal(await cluster.digest(behind, 1), await cluster.digest(leader, 1));
});
