import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftError } from "../../src/base/index.ts";
import type { NodeId } from "../../src/base/index.ts";
import type { Block } from "../../src/raft/index.ts";
import { machineCalls, workInHand } from "../../src/shard/index.ts";
import { ListMachine } from "./list-machine.ts";
import type { Call } from "./shard-client.ts";
import { ShardCluster } from "./shard-cluster.ts";
import type { ClusterOptions } from "./shard-cluster.ts";
import { TrialStore } from "./trial-store.ts";

/** More than the pause before the first try, in ticks. */
const pauseTicks = 11;

/** A cluster whose machines cannot be made while `broken`. */
async function startBreakable(settings: ClusterOptions = {}): Promise<{
  cluster: ShardCluster;
  fault: { broken: boolean };
}> {
  const fault = { broken: false };
  const cluster = await ShardCluster.start({
    ...settings,
    createStateMachine: () => {
      if (fault.broken) throw new Error("EMFILE: too many open files");
      return new ListMachine();
    },
  });
  return { cluster, fault };
}

async function control(
  cluster: ShardCluster,
  node: NodeId,
  kind: "startGroup" | "stopGroup" | "enableGroup",
): Promise<Call> {
  const call = cluster.client(node, 1).control({ kind, group: 1 });
  await cluster.run();
  return call;
}

test("groups whose machines could not be created at a start serve again when they can, without a restart", async () => {
  const { cluster, fault } = await startBreakable();
  await cluster.createGroup("a", 1);
  const write = cluster.client("a", 1).propose(1, "precious");
  await cluster.run();
  assert.deepEqual(write.results(), ["1"]);
  await cluster.tick(2);
  fault.broken = true;
  for (const node of cluster.nodes) await cluster.crash(node);
  for (const node of cluster.nodes) await cluster.boot(node);
  await cluster.introduce();
  await cluster.tick(3);
  for (const node of cluster.nodes) {
    const { state, reason, retryInMs, role } = await cluster.status(node, 1);
    assert.equal(state, "failed");
    assert.match(reason, /EMFILE/);
    assert.ok(retryInMs !== undefined && retryInMs > 0 && retryInMs <= 1_000);
    assert.equal(role, "follower");
  }
  const told = cluster.client("b", 1).events.find(({ kind }) => kind === "groupFailed");
  assert.ok(told?.kind === "groupFailed" && told.retryInMs === 1_000);
  const read = cluster.client("a", 1).read(1, "");
  await cluster.run();
  assert.equal(read.failure().code, "ERR_GROUP_FAILED");
  assert.equal(read.failure().outcome, "none");
  assert.ok(read.failure().retryable);
  fault.broken = false;
  await cluster.tick(pauseTicks);
  await cluster.awaitLeader(1);
  await cluster.tick(5);
  for (const node of cluster.nodes) assert.equal(await cluster.digest(node, 1), "precious");
  await cluster.close();
});

test("the pause before a failed replica is tried again grows, up to a minute", async () => {
  const { cluster, fault } = await startBreakable({ nodes: ["a"], options: { tickMs: 1_000 } });
  await cluster.createGroup("a", 1);
  await cluster.crash("a");
  fault.broken = true;
  await cluster.restart("a");
  await cluster.tick(200);
  const pauses = cluster
    .client("a")
    .events.flatMap((event) => (event.kind === "groupFailed" ? [event.retryInMs] : []));
  assert.deepEqual(
    pauses.slice(0, 8),
    [1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1_000),
  );
  await cluster.close();
});

test("startGroup on a replica that failed tries at once, and says whether it runs", async () => {
  const { cluster, fault } = await startBreakable({ nodes: ["a"] });
  await cluster.createGroup("a", 1);
  await cluster.crash("a");
  fault.broken = true;
  await cluster.restart("a");
  const failed = await control(cluster, "a", "startGroup");
  assert.equal(failed.failure().code, "ERR_GROUP_FAILED");
  assert.match(failed.failure().message, /EMFILE/);
  fault.broken = false;
  assert.equal((await control(cluster, "a", "startGroup")).answer(), null);
  assert.equal((await cluster.status("a", 1)).state, "running");
  await cluster.close();
});

test("startGroup on a stopped replica whose machine cannot be created fails, and it runs later", async () => {
  const { cluster, fault } = await startBreakable({ nodes: ["a"] });
  await cluster.createGroup("a", 1);
  (await control(cluster, "a", "stopGroup")).answer();
  fault.broken = true;
  const start = await control(cluster, "a", "startGroup");
  assert.equal(start.failure().code, "ERR_GROUP_FAILED");
  assert.equal(start.failure().outcome, "unknown", "it is tried again");
  assert.equal((await cluster.status("a", 1)).state, "failed");
  fault.broken = false;
  await cluster.tick(pauseTicks);
  assert.equal((await cluster.status("a", 1)).state, "running");
  await cluster.close();
});

test("a failed replica that is stopped is not tried again, here or after a restart", async () => {
  const { cluster, fault } = await startBreakable({ nodes: ["a"] });
  await cluster.createGroup("a", 1);
  await cluster.crash("a");
  fault.broken = true;
  await cluster.restart("a");
  (await control(cluster, "a", "stopGroup")).answer();
  fault.broken = false;
  await cluster.tick(2 * pauseTicks);
  assert.equal((await cluster.status("a", 1)).state, "stopped");
  await cluster.crash("a");
  await cluster.restart("a");
  assert.equal((await cluster.status("a", 1)).state, "stopped");
  await cluster.close();
});

/** Node b comes back with group 1 held: it has ended the shard's worker. */
async function startHeld(): Promise<ShardCluster> {
  const cluster = await ShardCluster.start();
  for (const group of [1, 2]) await cluster.createGroup("a", group);
  await cluster.crash("b");
  cluster.held.set("b", [{ group: 1, reason: "it ended the worker twice" }]);
  await cluster.restart("b");
  for (const group of [1, 2]) await cluster.awaitLeader(group, ["a", "c"]);
  return cluster;
}

test("a held group has failed until it is enabled, while its members and the other groups serve", async () => {
  const cluster = await startHeld();
  const told = cluster.client("b").events.find(({ kind }) => kind === "groupFailed");
  const reason = "it ended the worker twice";
  assert.deepEqual(told, { kind: "groupFailed", group: 1, reason, retryInMs: undefined });
  await cluster.tick(1_000);
  const status = await cluster.status("b", 1);
  assert.deepEqual([status.state, status.reason], ["failed", reason]);
  assert.equal(status.retryInMs, undefined, "nothing but a call starts it");
  const refused = cluster.client("b").read(1, "");
  for (const group of [1, 2]) {
    const leader = await cluster.awaitLeader(group, ["a", "c"]);
    const write = cluster.client(leader, group).propose(group, "x");
    await cluster.run();
    assert.deepEqual(write.results(), ["1"]);
  }
  assert.equal(refused.failure().code, "ERR_GROUP_FAILED");
  assert.match(refused.failure().message, /it ended the worker twice/);
  await cluster.tick(2);
  assert.equal(await cluster.digest("b", 2), "x");
  assert.equal((await control(cluster, "b", "enableGroup")).answer(), null);
  await cluster.tick(5);
  assert.equal((await cluster.status("b", 1)).state, "running");
  assert.equal(await cluster.digest("b", 1), "x");
  await cluster.close();
});

test("a held group can be stopped, and runs when it is started again", async () => {
  const cluster = await startHeld();
  assert.equal((await control(cluster, "b", "stopGroup")).answer(), null);
  assert.equal((await cluster.status("b", 1)).state, "stopped");
  await cluster.crash("b");
  await cluster.restart("b");
  assert.equal((await cluster.status("b", 1)).state, "stopped", "a hold starts nothing");
  assert.equal((await control(cluster, "b", "startGroup")).answer(), null);
  assert.equal((await cluster.status("b", 1)).state, "running");
  await cluster.close();
});

test("whatever runs of a group's machine, the group is in hand; between rounds none is", async () => {
  const seen = new Set<string>();
  const wrong: string[] = [];
  const inHand = (node: NodeId): number | undefined => {
    const hand = cluster.hands.get(`${node} 0`);
    return hand && workInHand(hand)?.group;
  };
  const cluster: ShardCluster = await ShardCluster.start({
    createStateMachine: ({ group, node }) => {
      const list = new ListMachine();
      const note = (call: string): void => {
        // What is thrown here may be caught.
        if (inHand(node) === group) seen.add(call);
        else wrong.push(`${call} of group ${group}`);
      };
      note("createStateMachine");
      return {
        apply: (entry) => {
          note("apply");
          return list.apply(entry);
        },
        query: (query) => {
          note("query");
          return list.query(query);
        },
        digest: () => {
          note("digest");
          return list.digest();
        },
        onRole: () => note("onRole"),
        close: () => note("close"),
      };
    },
  });
  for (const group of [1, 2, 3]) await cluster.createGroup("a", group);
  for (const group of [1, 2, 3]) {
    const leader = await cluster.awaitLeader(group);
    const write = cluster.client(leader, group).propose(group, "x");
    const read = cluster.client(leader, group).read(group, "");
    const local = cluster.client("b", group).readLocal(group, "");
    await cluster.run();
    assert.deepEqual(write.results(), ["1"]);
    read.text();
    local.text();
    await cluster.digest("c", group);
  }
  await cluster.crash("b");
  await cluster.restart("b");
  await cluster.tick(5);
  for (const node of cluster.nodes) assert.equal(inHand(node), undefined, node);
  for (const kind of ["stopGroup", "startGroup"] as const) {
    (await control(cluster, "c", kind)).answer();
    assert.equal(inHand("c"), undefined, kind);
  }
  await cluster.close();
  assert.deepEqual(wrong, []);
  assert.deepEqual([...seen].sort(), [...machineCalls].sort());
});

/** Asked where group 2's entries lie, it fails an assertion of its own, if told to. */
class BrokenStore extends TrialStore {
  broken = false;

  override position(group: number, index: number): number {
    if (this.broken && group === 2) throw new Error("the index holds every entry");
    return super.position(group, index);
  }
}

test("a fault of the program in one group's turn ends the shard with that group in hand", async () => {
  const stores: BrokenStore[] = [];
  const cluster = await ShardCluster.start({
    nodes: ["a"],
    options: { tailBytesMax: 0 },
    makeStore: (_, disk) => {
      const store = new BrokenStore(disk);
      stores.push(store);
      return store;
    },
  });
  for (const group of [1, 2, 3]) {
    await cluster.createGroup("a", group);
    cluster.client("a", group).propose(group, "x");
    await cluster.run();
  }
  await cluster.crash("a");
  await cluster.boot("a");
  const store = stores.at(-1);
  assert.ok(store !== undefined);
  store.broken = true;
  await assert.rejects(
    cluster.introduce().then(() => cluster.tick(30)),
    /holds every entry/,
  );
  const hand = cluster.hands.get("a 0");
  assert.equal(hand && workInHand(hand)?.group, 2);
});

/** Its reads fail, while told to, in a way that says nothing about what is on the disk. */
class ReadTrialStore extends TrialStore {
  fault: (() => Error) | undefined;

  override read(group: number, from: number, bytesMax: number): readonly Block[] {
    if (this.fault !== undefined) throw this.fault();
    return super.read(group, from, bytesMax);
  }
}

const passing: Readonly<Record<string, () => Error>> = {
  "a store's error": () => new RaftError("ERR_STORE_FAILED", "Cannot read record 3: EMFILE"),
  "an error of an embedder's store": () => new Error("EIO: i/o error, read"),
};

for (const [what, fault] of Object.entries(passing)) {
  test(`a read of the log that fails with ${what} ends the replica for a pause, not on disk`, async () => {
    const stores: ReadTrialStore[] = [];
    const cluster = await ShardCluster.start({
      nodes: ["a"],
      options: { tailBytesMax: 0 },
      makeStore: (_, disk) => {
        const store = new ReadTrialStore(disk);
        stores.push(store);
        return store;
      },
    });
    await cluster.createGroup("a", 1);
    for (const command of ["x", "y"]) {
      cluster.client("a").propose(1, command);
      await cluster.run();
    }
    await cluster.crash("a");
    await cluster.boot("a");
    const store = stores.at(-1);
    assert.ok(store !== undefined);
    store.fault = fault;
    await cluster.introduce();
    await cluster.tick(25);
    assert.equal((await cluster.status("a", 1)).state, "failed");
    store.fault = undefined;
    await cluster.tick(2 * pauseTicks);
    await cluster.awaitLeader(1);
    await cluster.tick(2);
    assert.equal(await cluster.digest("a", 1), "x,y");
    await cluster.crash("a");
    await cluster.restart("a");
    assert.equal((await cluster.status("a", 1)).state, "running");
    await cluster.close();
  });
}

test("enableGroup brings back what applyError has disabled, when the machine no longer throws", async () => {
  const poison = { active: true };
  const cluster = await ShardCluster.start({
    nodes: ["a"],
    options: { applyError: "disable" },
    createStateMachine: () => {
      const list = new ListMachine();
      const fixed = new TextEncoder().encode("fixed");
      return {
        apply: (entry) => (poison.active ? list.apply(entry) : fixed),
        query: (query) => list.query(query),
      };
    },
  });
  await cluster.createGroup("a", 1);
  cluster.client("a").propose(1, "poison");
  await cluster.run();
  assert.equal((await cluster.status("a", 1)).state, "disabled");
  (await control(cluster, "a", "enableGroup")).answer();
  await cluster.tick(25);
  assert.equal((await cluster.status("a", 1)).state, "disabled", "it throws as before");
  poison.active = false;
  await cluster.crash("a");
  await cluster.restart("a");
  assert.equal((await cluster.status("a", 1)).state, "disabled", "it is on disk");
  const started = await control(cluster, "a", "startGroup");
  assert.equal(started.failure().code, "ERR_GROUP_DISABLED");
  (await control(cluster, "a", "enableGroup")).answer();
  await cluster.awaitLeader(1);
  const write = cluster.client("a").propose(1, "more");
  await cluster.run();
  assert.deepEqual(write.results(), ["fixed"]);
  await cluster.crash("a");
  await cluster.restart("a");
  assert.equal((await cluster.status("a", 1)).state, "running", "so is this");
  await cluster.close();
});

test("enableGroup refuses a replica whose log is damaged", async () => {
  const stores: ReadTrialStore[] = [];
  const cluster = await ShardCluster.start({
    nodes: ["a"],
    options: { tailBytesMax: 0 },
    makeStore: (_, disk) => {
      const store = new ReadTrialStore(disk);
      stores.push(store);
      return store;
    },
  });
  await cluster.createGroup("a", 1);
  await cluster.crash("a");
  await cluster.boot("a");
  const store = stores.at(-1);
  assert.ok(store !== undefined);
  store.fault = () => new RaftError("ERR_STORE_CORRUPT", "record 3 has another checksum");
  await cluster.introduce();
  await cluster.tick(25);
  assert.equal((await cluster.status("a", 1)).state, "disabled");
  store.fault = undefined;
  for (const kind of ["startGroup", "enableGroup"] as const) {
    const call = await control(cluster, "a", kind);
    assert.equal(call.failure().code, "ERR_GROUP_DISABLED");
    assert.match(call.failure().message, /another checksum/);
  }
  await cluster.tick(2 * pauseTicks);
  assert.equal((await cluster.status("a", 1)).state, "disabled");
  await cluster.close();
});

/** Flips a bit of an entry, wherever the disk of a node holds it in a record. */
function rot(cluster: ShardCluster, node: NodeId, entry: string): void {
  let found = 0;
  for (const { records } of cluster.disks.get(node) ?? []) {
    for (const record of records) {
      const at = Buffer.from(record.buffer, record.byteOffset, record.length).indexOf(entry);
      if (at === -1) continue;
      record[at] = (record[at] ?? 0) ^ 1;
      found += 1;
    }
  }
  assert.equal(found, 1, "the entry is in one record");
}

test("damage inside a record disables the groups of those bytes alone, which promise nothing more", async () => {
  const cluster = await ShardCluster.start();
  for (const group of [1, 2, 3]) await cluster.createGroup("a", group);
  const writes = [1, 2, 3].map((group) =>
    cluster.client("a", group).propose(group, `big-${group}`),
  );
  await cluster.run();
  for (const write of writes) assert.deepEqual(write.results(), ["1"]);
  await cluster.tick(2);
  const stopped = cluster.client("b", 3).control({ kind: "stopGroup", group: 3 });
  await cluster.run();
  assert.equal(stopped.answer(), null);
  for (const node of cluster.nodes) await cluster.crash(node);
  for (const group of [1, 3]) rot(cluster, "b", `big-${group}`);
  cluster.delivered.length = 0;
  for (const node of cluster.nodes) await cluster.boot(node);
  await cluster.introduce();
  for (const group of [1, 2, 3]) await cluster.awaitLeader(group);
  await cluster.tick(10);
  const states = await Promise.all([1, 2, 3].map((group) => cluster.status("b", group)));
  assert.deepEqual(
    states.map(({ state }) => state),
    ["disabled", "running", "disabled"],
  );
  assert.match(states[0]?.reason ?? "", /record \d+ holds entry 2 with a wrong checksum/);
  assert.equal(await cluster.digest("b", 2), "big-2");
  const promises = cluster.delivered.filter(
    ({ from, group, kind }) => from === "b" && group === 1 && kind !== "groupUnknown",
  );
  assert.deepEqual(promises, [], "neither votes nor acknowledgements");
  await cluster.crash("b");
  await cluster.restart("b");
  assert.equal((await cluster.status("b", 1)).state, "disabled", "it is on disk");
  await cluster.close();
});

test("a replica that applyError has disabled is not enabled once its log is damaged, too", async () => {
  const cluster = await ShardCluster.start({
    nodes: ["a"],
    options: { applyError: "disable" },
  });
  await cluster.createGroup("a", 1);
  cluster.client("a").propose(1, "poison");
  await cluster.run();
  assert.equal((await cluster.status("a", 1)).state, "disabled");
  await cluster.crash("a");
  rot(cluster, "a", "poison");
  await cluster.restart("a");
  const call = await control(cluster, "a", "enableGroup");
  assert.equal(call.failure().code, "ERR_GROUP_DISABLED");
  assert.match(call.failure().message, /wrong checksum/);
  await cluster.close();
});
