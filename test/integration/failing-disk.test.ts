/**
 * A node whose disk refuses or hangs under load, among two with sound ones: what it led is led by
 * the others, its calls end with typed errors by their deadlines, and nothing acknowledged is lost.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { whyNotBuildable } from "../native/build.ts";
import { FailingDisk } from "../native/failing-disk.ts";
import type { DiskFault } from "../native/failing-disk.ts";
import { skipWithout } from "../native/skip-without.ts";
import type { Outcome } from "./fixtures/node-protocol.ts";
import { NodeCluster } from "./node-cluster.ts";
import { deadline, until } from "./node-process.ts";

const seenMs = 60_000;
const timeoutMs = 1_500;
const victim = "n1";

interface Scene extends AsyncDisposable {
  readonly cluster: NodeCluster;
  readonly disk: FailingDisk;
}

/** Three nodes under load, each leading a third of the groups; the first is on the failing disk. */
async function stage(): Promise<Scene> {
  const under: Record<string, readonly string[]> = {};
  const cluster = new NodeCluster({ under, timeoutMs });
  const disk = new FailingDisk(cluster.dirOf(victim));
  under[victim] = disk.command;
  const scene: Scene = {
    cluster,
    disk,
    [Symbol.asyncDispose]: async () => {
      disk[Symbol.dispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
  try {
    await cluster.start(...cluster.names);
    await cluster.createGroups(30);
    await cluster.startLoad(8);
    await cluster.progress(200);
  } catch (error) {
    await scene[Symbol.asyncDispose]();
    throw error;
  }
  return scene;
}

/** Waits until the nodes with sound disks lead every group, and take writes. */
async function othersLead(cluster: NodeCluster): Promise<void> {
  const others = cluster.running().filter(({ node }) => node !== victim);
  await until("the nodes whose disks work lead every group", seenMs, async () => {
    const led = new Set<number>();
    for (const node of others) {
      for (const { group, role } of await node.call({ kind: "views" })) {
        if (role === "leader") led.add(group);
      }
    }
    return led.size === cluster.groups.length ? true : undefined;
  });
  await cluster.progress(200);
}

/** Every group's write on the victim itself, without help of others. */
function askVictim(cluster: NodeCluster): Promise<readonly Outcome<unknown>[]> {
  const node = cluster.node(victim);
  return Promise.all(
    cluster.groups.map((group) =>
      node.call({
        kind: "put",
        put: { group, key: "asked", value: "", forward: false, timeoutMs },
      }),
    ),
  );
}

function codesOf(outcomes: readonly Outcome<unknown>[]): string[] {
  const codes = new Set(outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.error.code)));
  return [...codes].sort();
}

async function refuseAll({ cluster, disk }: Scene): Promise<void> {
  assert.deepEqual(codesOf(await askVictim(cluster)), ["ERR_STORE_FAILED"]);
  // A disk that works again does not bring the store back to life.
  disk.recover();
  assert.deepEqual(codesOf(await askVictim(cluster)), ["ERR_STORE_FAILED"]);
  await cluster.close(victim);
}

/** `mayCrash`: lmdb may end the process where its own write fails; see FORMAT.md of src/log. */
async function failAndReturn(t: TestContext, fault: DiskFault, mayCrash = false): Promise<void> {
  await using scene = await stage();
  const { cluster, disk } = scene;
  const node = cluster.node(victim);
  disk.fail(fault);
  await until(`${victim} says that its shard has failed`, seenMs, () =>
    mayCrash && !node.running
      ? "ended"
      : node.events.find((seen) => seen.startsWith("shardFailed")),
  );
  await othersLead(cluster);
  t.diagnostic(node.events.join("; "));
  try {
    await refuseAll(scene);
  } catch (error) {
    if (!mayCrash || error instanceof assert.AssertionError) throw error;
    await deadline(`${victim} has ended, since it does not answer`, seenMs, node.ended);
    t.diagnostic(`${victim} has ended`);
    disk.recover();
  }
  await cluster.start(victim);
  await cluster.progress(200);
  t.diagnostic(await cluster.stopLoad());
  await cluster.verify();
}

test("a shard whose flush fails says so, refuses every call, and the other nodes go on without it", async (t) => {
  if (skipWithout(t, whyNotBuildable())) return;
  await failAndReturn(t, { action: "EIO", kind: "flush" });
});

test("a shard whose disk takes half a write says so, refuses every call, and the other nodes go on without it", async (t) => {
  if (skipWithout(t, whyNotBuildable())) return;
  await failAndReturn(t, { action: "short", kind: "write" });
});

test("a shard whose write fails ends alone, or by lmdb's fault with its process, and the other nodes go on without it", async (t) => {
  if (skipWithout(t, whyNotBuildable())) return;
  await failAndReturn(t, { action: "EIO", kind: "write" }, true);
});

test("a shard whose flush hangs loses what it led, its calls end by their deadlines, and it comes back with its disk", async (t) => {
  if (skipWithout(t, whyNotBuildable())) return;
  await using scene = await stage();
  const { cluster, disk } = scene;
  disk.fail({ action: "hang", kind: "flush" });
  await othersLead(cluster);
  const asked = await askVictim(cluster);
  for (const outcome of asked) assert.ok(!outcome.ok, "nothing is acknowledged by a hung disk");
  assert.deepEqual(codesOf(asked), ["ERR_TIMEOUT"]);
  disk.recover();
  await until(`${victim} follows`, seenMs, async () => {
    const views = await cluster.node(victim).call({ kind: "views" });
    return views.every(({ leader }) => leader !== undefined && leader !== "") ? true : undefined;
  });
  await cluster.progress(200);
  t.diagnostic(await cluster.stopLoad());
  await cluster.verify();
});
