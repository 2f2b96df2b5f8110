/**
 * Nodes on full file systems: shards that cannot write say so and stop, every call is answered with
 * a typed error, no process dies or hangs, and with space again all goes on.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { skipWithout } from "../native/skip-without.ts";
import { SmallDisk, whyNotMountable } from "../native/small-disk.ts";
import { NodeCluster } from "./node-cluster.ts";
import { until } from "./node-process.ts";

const seenMs = 60_000;
const timeoutMs = 1_500;
const diskBytes = 16_777_216;
/** What is left to a node when it runs, besides the room that its store has made ahead. */
const freeBytes = 131_072;
const obstacle = whyNotMountable();

interface Scene extends AsyncDisposable {
  readonly cluster: NodeCluster;
  readonly disks: readonly SmallDisk[];
}

/** Three nodes under load; those that are named are on small disks, which fill up. */
async function stage(small: readonly string[]): Promise<Scene> {
  const under: Record<string, readonly string[]> = {};
  const cluster = new NodeCluster({ under, timeoutMs });
  const disks: SmallDisk[] = [];
  const scene: Scene = {
    cluster,
    disks,
    [Symbol.asyncDispose]: async () => {
      await cluster[Symbol.asyncDispose]();
      for (const disk of disks) await disk[Symbol.asyncDispose]();
    },
  };
  try {
    for (const name of small) {
      const disk = await SmallDisk.mount(cluster.dirOf(name), diskBytes);
      disks.push(disk);
      under[name] = disk.command;
    }
    await cluster.start(...cluster.names);
    await cluster.createGroups(30);
    for (const disk of disks) disk.fillUpTo(freeBytes);
    await cluster.startLoad(8);
  } catch (error) {
    await scene[Symbol.asyncDispose]();
    throw error;
  }
  return scene;
}

async function shardFails(cluster: NodeCluster, name: string): Promise<void> {
  const node = cluster.node(name);
  await until(`${name} says that its shard has failed`, seenMs, () => {
    assert.ok(node.running, `${name} lives`);
    return node.events.find((seen) => seen.startsWith("shardFailed"));
  });
}

async function expectRefusals(cluster: NodeCluster, name: string): Promise<void> {
  const { groups } = cluster;
  const node = cluster.node(name);
  const writes = await node.call({ kind: "touch", groups, timeoutMs });
  const reads = await Promise.all(
    groups.map((group) =>
      node.call({ kind: "get", get: { group, key: "touched", forward: true, timeoutMs } }),
    ),
  );
  for (const outcome of [...writes, ...reads]) {
    assert.ok(!outcome.ok, "a dead shard does nothing");
    assert.equal(outcome.error.code, "ERR_STORE_FAILED");
    assert.equal(outcome.error.outcome, "none");
  }
}

async function comeBack(t: TestContext, { cluster, disks }: Scene): Promise<void> {
  for (const disk of disks) disk.free();
  const failed = cluster.names.slice(0, disks.length);
  await cluster.close(...failed);
  await cluster.start(...failed);
  await cluster.progress(100);
  t.diagnostic(await cluster.stopLoad());
  await cluster.verify();
}

test("a node whose disk is full refuses its calls, the others go on, and it returns when there is space", async (t) => {
  if (skipWithout(t, obstacle)) return;
  await using scene = await stage(["n1"]);
  const { cluster } = scene;
  await shardFails(cluster, "n1");
  await cluster.progress(200);
  await expectRefusals(cluster, "n1");
  await comeBack(t, scene);
});

test("with every disk full each call is answered, no process ends, and all return when there is space", async (t) => {
  if (skipWithout(t, obstacle)) return;
  await using scene = await stage(["n1", "n2", "n3"]);
  const { cluster } = scene;
  // The last one has no majority to fill its disk with.
  await Promise.any(cluster.names.map((name) => shardFails(cluster, name)));
  const outcomes = await Promise.all(
    cluster
      .running()
      .map((node) => node.call({ kind: "touch", groups: cluster.groups, timeoutMs })),
  );
  const codes = new Set(outcomes.flat().map((outcome) => (outcome.ok ? "ok" : outcome.error.code)));
  t.diagnostic([...codes].join(" "));
  assert.equal(cluster.running().length, 3, "every process lives");
  await comeBack(t, scene);
});

test("a node that is started on a full disk is refused, and its process lives", async (t) => {
  if (skipWithout(t, obstacle)) return;
  const under: Record<string, readonly string[]> = {};
  await using cluster = new NodeCluster({ under });
  await using disk = await SmallDisk.mount(cluster.dirOf("n1"), diskBytes);
  under["n1"] = disk.command;
  for (const freePages of [0, 2, 16]) {
    disk.fillUpTo(freePages * 4_096);
    await assert.rejects(cluster.start("n1"), { code: "ERR_STORE_FAILED" }, `${freePages} pages`);
    await cluster.node("n1").ended;
    disk.free();
    disk.clear();
  }
  await cluster.start("n1");
  assert.deepEqual(await cluster.node("n1").call({ kind: "views" }), []);
});
