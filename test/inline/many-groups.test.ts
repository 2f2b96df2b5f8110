import assert from "node:assert/strict";
import { test } from "node:test";
import type { Call } from "./shard-client.ts";
import { ShardCluster } from "./shard-cluster.ts";

/** Enough for a busy shard. */
const groups = Array.from({ length: 48 }, (_, at) => at + 1);

async function startBusy(options = {}): Promise<ShardCluster> {
  const cluster = await ShardCluster.start({ options });
  for (const group of groups) await cluster.createGroup("a", group);
  await cluster.tick();
  return cluster;
}

async function localReads(cluster: ShardCluster): Promise<string[]> {
  const reads = groups.map((group) => cluster.client("b", group).readLocal(group, ""));
  await cluster.run();
  return reads.map((read) => read.text());
}

test("one group's followers are told what is committed at once", async () => {
  const cluster = await startBusy();
  const write = cluster.client("a", 1).propose(1, "x");
  await cluster.run();
  assert.deepEqual(write.results(), ["1"]);
  const read = cluster.client("b", 1).readLocal(1, "");
  await cluster.run();
  assert.equal(read.text(), "x");
  await cluster.close();
});

test("followers of many groups that share a round are told with the next entries, or a tick", async () => {
  const cluster = await startBusy();
  const propose = async (command: string): Promise<void> => {
    const calls = groups.map((group) => cluster.client("a", group).propose(group, command));
    await cluster.run();
    for (const call of calls) assert.equal(call.results().length, 1);
  };
  cluster.delivered.length = 0;
  await propose("x");
  await propose("y");
  assert.deepEqual(
    new Set(await localReads(cluster)),
    new Set(["x"]),
    "entries brought the commit index of those before them",
  );
  assert.ok(cluster.delivered.every(({ kind }) => kind !== "commitNotice"));
  await cluster.tick();
  assert.deepEqual(new Set(await localReads(cluster)), new Set(["x,y"]));
  await cluster.close();
});

test("no heartbeat goes to followers that take entries all the time, and some again when there are none", async () => {
  const cluster = await ShardCluster.start({ options: { parkTicks: 0 } });
  await cluster.createGroup("a", 1);
  await cluster.tick(4);
  const heartbeatsIn = async (ticks: number, command: string | undefined): Promise<number> => {
    cluster.delivered.length = 0;
    for (let tick = 0; tick < ticks; tick += 1) {
      if (command !== undefined) cluster.client("a", 1).propose(1, command);
      await cluster.run();
      await cluster.tick();
    }
    return cluster.delivered.filter(({ kind }) => kind === "heartbeatRequest").length;
  };
  assert.equal(await heartbeatsIn(40, "x"), 0);
  assert.equal((await cluster.status("b", 1)).term, 1, "nobody campaigns");
  assert.equal(await heartbeatsIn(4, undefined), 4);
  await cluster.close();
});

test("proposals of a busy shard that wait for room in the log follow when there is room", async () => {
  const cluster = await startBusy({ blockBytesMax: 1, uncommittedBytesMax: 1 });
  const calls: Call[] = [];
  for (const command of ["x", "y", "z"]) {
    for (const group of groups) calls.push(cluster.client("a", group).propose(group, command));
  }
  await cluster.run();
  for (const call of calls) assert.equal(call.results().length, 1, "without any tick");
  await cluster.close();
});
