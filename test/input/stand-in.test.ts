/** Nodes whose shard 0 is down: whoever knows only that shard's address finds the others all the same. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { shardOfGroup } from "../../src/base/index.ts";
import { Engine } from "../../src/index.ts";
import type { EngineOptions } from "../../src/index.ts";
import {
  awaitEvent,
  bytes,
  failureOf,
  groupOnShard,
  machineUrl,
  optionsFor,
  tempDir,
} from "./engine-rig.ts";

const [first, second] = [groupOnShard(0, 2), groupOnShard(1, 2)];
const patient = { timeoutMs: 20_000, forward: true };

async function openNode(
  t: TestContext,
  options: EngineOptions,
  more: Partial<EngineOptions> = {},
): Promise<Engine> {
  const engine = await Engine.open({ ...options, ...more });
  t.after(() => engine.close());
  return engine;
}

/** A second node that knows nothing of the first but its address. */
async function openBeside(
  t: TestContext,
  known: Engine,
  more: Partial<EngineOptions> = {},
): Promise<Engine> {
  const options = optionsFor(tempDir(t), { shards: 2, node: "b", ...more });
  const beside = await openNode(t, options, { peers: { [known.node]: known.address } });
  await known.setPeers({ b: beside.address });
  return beside;
}

/** Overwrites the log of a shard, so that it cannot be opened. */
function damage(dir: string, shard: number): void {
  const damaged = join(dir, `shard-${shard}`);
  for (const name of readdirSync(damaged).filter((file) => file.endsWith(".seg"))) {
    const path = join(damaged, name);
    writeFileSync(path, Buffer.alloc(statSync(path).size, 0x5a));
  }
}

test("a node that knows the address of a failed shard 0 finds the shards beside it", async (t) => {
  const store = { store: "segments", segmentBytes: 65_536 } as const;
  const options = optionsFor(tempDir(t), { shards: 2, ...store });
  await (await Engine.open(options)).close();
  damage(options.dir, 0);
  const a = await openNode(t, options);
  assert.equal((await failureOf(a.status(first))).code, "ERR_STORE_CORRUPT");
  assert.doesNotMatch(a.address, /:0$/);
  const b = await openBeside(t, a, store);
  // Asks the other node first, which has not yet been told of this one.
  await b.createGroup({ group: second, members: ["a", "b"], timeoutMs: 20_000 });
  await b.propose(second, bytes("x"), patient);
  await a.propose(second, bytes("y"), patient);
  const created = await failureOf(
    b.createGroup({ group: first, members: ["a", "b"], timeoutMs: 200 }),
  );
  assert.equal(created.code, "ERR_GROUP_CREATE_FAILED");
});

test("a shard 0 that opens late takes its port from who has answered there", async (t) => {
  const more = { shards: 2, logStore: machineUrl("held-log"), openTimeoutMs: 4_000 };
  const options = optionsFor(tempDir(t), more);
  mkdirSync(options.dir);
  const held = join(options.dir, "held-0");
  writeFileSync(held, "");
  const a = await openNode(t, options);
  const b = await openBeside(t, a);
  await b.createGroup({ group: second, members: ["a", "b"], timeoutMs: 20_000 });
  const back = awaitEvent(a, "shardRestarted");
  rmSync(held);
  await back;
  const c = optionsFor(tempDir(t), { shards: 2, node: "c" });
  const fresh = await openNode(t, c, { peers: { a: a.address } });
  await a.setPeers({ b: b.address, c: fresh.address });
  await fresh.createGroup({ group: first, members: ["a", "c"], timeoutMs: 20_000 });
  await fresh.propose(first, bytes("x"), patient);
  await b.propose(second, bytes("y"), patient);
});

test("while shard 0 crashes again and again its node is found, and at the end it is", async (t) => {
  const options = optionsFor(tempDir(t), { shards: 2 });
  const a = await openNode(t, options);
  await a.createGroup({ group: first, members: ["a"] });
  await a.propose(first, bytes("before"), patient);
  const marker = join(options.dir, "marker");
  writeFileSync(marker, "");
  await failureOf(a.propose(first, bytes(`exitWhile ${marker}`)));
  // Somebody runs it again each time that it is held.
  a.on("groupFailed", () => void a.enableGroup(first).catch(() => {}));
  // From the third crash on it is down for longer than it is up.
  let pauseMs = 0;
  a.on("shardCrashed", ({ restartInMs }) => {
    pauseMs = restartInMs;
  });
  while (pauseMs < 400) await awaitEvent(a, "shardCrashed");
  const b = await openBeside(t, a);
  await b.createGroup({ group: second, members: ["a", "b"], timeoutMs: 20_000 });
  await b.propose(second, bytes("x"), patient);
  rmSync(marker);
  await a.awaitLeader(first, patient);
  const own = groupAfter(first);
  await b.createGroup({ group: own, members: ["a", "b"], timeoutMs: 20_000 });
  await b.propose(own, bytes("y"), patient);
});

/** The next group on shard 0. */
function groupAfter(group: number): number {
  for (let next = group + 1; ; next += 1) if (shardOfGroup(next, 2) === 0) return next;
}
