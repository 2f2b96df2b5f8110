/** Nodes of which a part is damaged, held up or gone: what still serves, and what is said of the rest. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Engine, RaftError } from "../../src/index.ts";
import type { EngineOptions, Health } from "../../src/index.ts";
import {
  bytes,
  createAlone,
  failureOf,
  groupOnShard,
  machineUrl,
  optionsFor,
  readText,
  tempDir,
} from "./engine-rig.ts";

const [sound, other] = [groupOnShard(0, 2), groupOnShard(1, 2)];

function kindsOf({ reasons }: Health): string[] {
  return reasons.map(({ kind, shard }) => `${kind} ${shard}`);
}

/** Waits until it opens: what held its directory has ended by then. */
async function openSoon(options: EngineOptions): Promise<Engine> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    try {
      return await Engine.open(options);
    } catch (error) {
      assert.ok(error instanceof RaftError && error.code === "ERR_DATA_DIR_LOCKED", String(error));
      assert.ok(performance.now() < deadline, "the directory becomes free");
      await sleep(5);
    }
  }
}

for (const store of ["lmdb", "segments"] as const) {
  test(`a damaged shard on ${store} is reported, and the others of its node serve`, async (t) => {
    const options = optionsFor(tempDir(t), { shards: 2, store, segmentBytes: 65_536 });
    const before = await Engine.open(options);
    for (const group of [sound, other]) {
      await createAlone(before, group);
      await before.propose(group, bytes("x"));
    }
    await before.close();
    const damaged = join(options.dir, "shard-1");
    for (const name of readdirSync(damaged).filter((file) => /^data\.mdb$|\.seg$/.test(file))) {
      const path = join(damaged, name);
      writeFileSync(path, Buffer.alloc(statSync(path).size, 0x5a));
    }
    const logged: string[] = [];
    const log = (level: string) => (details: object, message: string) => {
      logged.push(`${level} ${message} ${"shard" in details ? String(details.shard) : ""}`);
    };
    const [debug, info, warn, error] = ["debug", "info", "warn", "error"].map(log);
    assert.ok(debug !== undefined && info !== undefined);
    assert.ok(warn !== undefined && error !== undefined);
    const engine = await Engine.open({ ...options, logger: { debug, info, warn, error } });
    t.after(() => engine.close());
    const [failed]: { shard: number; error: RaftError }[] = await once(engine, "shardFailed");
    assert.equal(failed?.shard, 1);
    assert.equal(failed.error.code, "ERR_STORE_CORRUPT");
    assert.ok(logged.includes("error shardFailed 1"), logged.join());
    const health = await engine.health();
    assert.deepEqual([health.live, health.ready, kindsOf(health)], [true, false, ["failed 1"]]);
    await engine.awaitLeader(sound);
    assert.equal(await readText(engine, sound), "x");
    for (const call of [
      engine.propose(other, bytes("y")),
      engine.awaitLeader(other),
      engine.status(other),
    ]) {
      const refusal = await failureOf(call);
      assert.deepEqual([refusal.code, refusal.outcome], ["ERR_STORE_CORRUPT", "none"]);
    }
    await engine.setPeers({ b: "127.0.0.1:9" });
    assert.equal((await engine.stats()).length, 1);
  });
}

for (const store of ["lmdb", "segments"] as const) {
  test(`a shard on ${store} whose directory is gone does not begin anew, and the others serve`, async (t) => {
    const options = optionsFor(tempDir(t), { shards: 2, store, segmentBytes: 65_536 });
    const before = await Engine.open(options);
    for (const group of [sound, other]) await createAlone(before, group);
    await before.close();
    rmSync(join(options.dir, "shard-1"), { recursive: true });
    const engine = await Engine.open(options);
    t.after(() => engine.close());
    const [failed]: { shard: number; error: RaftError }[] = await once(engine, "shardFailed");
    assert.deepEqual([failed?.shard, failed?.error.code], [1, "ERR_STORE_CORRUPT"]);
    await engine.awaitLeader(sound);
    const created = await failureOf(engine.createGroup({ group: other, members: ["a"] }));
    assert.deepEqual([created.code, created.outcome], ["ERR_STORE_CORRUPT", "none"]);
  });
}

test("an open whose only shard is held up ends at its deadline, and the directory stays locked", async (t) => {
  const options = optionsFor(tempDir(t), {
    logStore: machineUrl("held-log"),
    openTimeoutMs: 100,
  });
  mkdirSync(options.dir);
  const held = join(options.dir, "held-0");
  writeFileSync(held, "");
  const error = await failureOf(Engine.open(options));
  assert.equal(error.code, "ERR_TIMEOUT");
  assert.match(error.message, /shard 0 of 1 had not opened within 100 ms/);
  assert.equal((await failureOf(Engine.open(options))).code, "ERR_DATA_DIR_LOCKED");
  rmSync(held);
  const engine = await openSoon({ ...options, openTimeoutMs: 20_000 });
  assert.equal((await engine.health()).ready, true);
  await engine.close();
});

test("a shard that opens late joins the others, and a fault of the node does not wait for it", async (t) => {
  const options = optionsFor(tempDir(t), {
    shards: 2,
    logStore: machineUrl("held-log"),
    openTimeoutMs: 3_000,
  });
  mkdirSync(options.dir);
  const [held, refused] = ["held-1", "refused-0"].map((name) => join(options.dir, name));
  assert.ok(held !== undefined && refused !== undefined);
  writeFileSync(held, "");
  writeFileSync(refused, "");
  const error = await failureOf(Engine.open({ ...options, openTimeoutMs: 600_000 }));
  assert.match(error.message, /this module refuses the shard/);
  rmSync(held);
  rmSync(refused);
  await (await openSoon({ ...options, openTimeoutMs: 20_000 })).close();
  writeFileSync(held, "");
  const engine = await Engine.open(options);
  t.after(() => engine.close());
  const health = await engine.health();
  assert.deepEqual([health.live, health.ready, kindsOf(health)], [true, false, ["opening 1"]]);
  await createAlone(engine, sound);
  const back = once(engine, "shardRestarted");
  rmSync(held);
  await back;
  assert.equal((await engine.health()).ready, true);
  await createAlone(engine, other);
});

test("close gives up on a machine that loops, says on which shard, and ends it when it can", async (t) => {
  const options = optionsFor(tempDir(t), { stateMachine: machineUrl("loops") });
  const engine = await Engine.open(options);
  await createAlone(engine, 1);
  const file = join(options.dir, "looping");
  writeFileSync(file, "");
  t.after(() => rmSync(file, { force: true }));
  const looping = Promise.allSettled([engine.propose(1, bytes(file))]);
  let silent = await engine.health({ timeoutMs: 200 });
  while (silent.ready) silent = await engine.health({ timeoutMs: 200 });
  assert.deepEqual([silent.live, silent.ready, kindsOf(silent)], [true, false, ["silent 0"]]);
  const error = await failureOf(engine.close({ timeoutMs: 100 }));
  assert.equal(error.code, "ERR_TIMEOUT");
  assert.match(error.message, /shard 0 of 1 had not ended within 100 ms/);
  assert.equal((await failureOf(Engine.open(options))).code, "ERR_DATA_DIR_LOCKED");
  rmSync(file);
  await engine.close();
  await looping;
  await (await Engine.open(options)).close();
});

test("an engine whose store died claims to lead nothing, and its calls say why", async (t) => {
  const options = optionsFor(tempDir(t), { logStore: machineUrl("held-log") });
  const engine = await Engine.open(options);
  t.after(() => engine.close());
  await createAlone(engine, 1);
  assert.equal(engine.group(1)?.role, "leader");
  writeFileSync(join(options.dir, "broken-0"), "");
  const failed = once(engine, "shardFailed");
  const write = await failureOf(engine.propose(1, bytes("x")));
  assert.deepEqual([write.code, write.outcome], ["ERR_STORE_FAILED", "unknown"]);
  await failed;
  assert.deepEqual(
    engine.groups().map(({ role, leader }) => [role, leader]),
    [["follower", undefined]],
  );
  const wait = await failureOf(engine.awaitLeader(1));
  assert.deepEqual([wait.code, wait.outcome], ["ERR_STORE_FAILED", "none"]);
  await engine.setPeers({});
  const { live, ready } = await engine.health();
  assert.deepEqual([live, ready], [false, false]);
});
