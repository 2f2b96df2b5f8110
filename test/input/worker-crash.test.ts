import assert from "node:assert/strict";
import { existsSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Engine } from "../../src/index.ts";
import {
  awaitEvent,
  bytes,
  createAlone,
  failureOf,
  groupOnShard,
  openEngine,
  readText,
} from "./engine-rig.ts";

const deaths = [
  { how: "exitOnce", store: "lmdb" },
  { how: "throwLaterOnce", store: "lmdb" },
  { how: "exitOnce", store: "segments" },
  { how: "throwLaterOnce", store: "segments" },
] as const;

for (const { how, store } of deaths) {
  test(`a shard on ${store} whose worker dies by ${how} fails its calls, comes back, and has lost nothing`, async (t) => {
    const { engine, dir } = await openEngine(t, { shards: 2, store });
    const [group, other] = [groupOnShard(0, 2), groupOnShard(1, 2)];
    await createAlone(engine, group);
    await createAlone(engine, other);
    await engine.propose(group, bytes("before"));
    const crashed = awaitEvent(engine, "shardCrashed");
    const restarted = awaitEvent(engine, "shardRestarted");
    const fatal = engine.propose(group, bytes(`${how} ${join(dir, "marker")}`));
    const [result] = await Promise.allSettled([fatal]);
    // An exception thrown later may leave time for the answer.
    if (how === "exitOnce" || result.status === "rejected") {
      const error = await failureOf(fatal);
      assert.equal(error.code, "ERR_SHARD_CRASHED");
      assert.equal(error.outcome, "unknown");
    }
    await crashed;
    const meanwhile = await failureOf(engine.propose(group, bytes("meanwhile")));
    assert.equal(meanwhile.code, "ERR_SHARD_CRASHED");
    assert.equal(meanwhile.outcome, "none", "no worker could take it");
    await engine.propose(other, bytes("undisturbed"));
    await restarted;
    await engine.awaitLeader(group);
    await engine.propose(group, bytes("after"));
    assert.match(await readText(engine, group), /^before,.*marker,after$/);
    assert.equal(await readText(engine, other), "undisturbed");
  });
}

test("a shard that crashes again and again is restarted ever more slowly, and comes back when it can", async (t) => {
  const { engine, dir } = await openEngine(t);
  await createAlone(engine, 1);
  await engine.propose(1, bytes("before"));
  const marker = join(dir, "marker");
  writeFileSync(marker, "");
  const pauses: number[] = [];
  engine.on("shardCrashed", ({ restartInMs }) => {
    pauses.push(restartInMs);
    if (pauses.length === 3 && existsSync(marker)) unlinkSync(marker);
  });
  const back = awaitEvent(engine, "shardRestarted");
  const error = await failureOf(engine.propose(1, bytes(`exitWhile ${marker}`)));
  assert.equal(error.code, "ERR_SHARD_CRASHED");
  await back;
  while (pauses.length < 3) await awaitEvent(engine, "shardRestarted");
  await engine.awaitLeader(1);
  await engine.propose(1, bytes("after"));
  assert.deepEqual(pauses, [100, 200, 400]);
  assert.match(await readText(engine, 1), /^before,exitWhile .*,after$/);
});

test("a shard that comes back after a crash runs the groups that the recover function chooses", async (t) => {
  const { engine, dir, options } = await openEngine(t);
  for (const group of [1, 2]) await createAlone(engine, group);
  await engine.close();
  const recover = (group: number): boolean => group === 2;
  const again = await Engine.open({ ...options, recover });
  t.after(() => again.close());
  const states = (): unknown[] => [1, 2].map((group) => again.group(group)?.state);
  assert.deepEqual(states(), ["stopped", "running"]);
  await again.awaitLeader(2);
  const restarted = awaitEvent(again, "shardRestarted");
  await failureOf(again.propose(2, bytes(`exitOnce ${join(dir, "marker")}`)));
  await restarted;
  assert.deepEqual(states(), ["stopped", "running"]);
  await again.awaitLeader(2);
  await again.propose(2, bytes("after"));
});

test("an engine closes while its shard is coming back, and its directory is free then", async (t) => {
  const { engine, dir, options } = await openEngine(t);
  await createAlone(engine, 1);
  const crashed = awaitEvent(engine, "shardCrashed");
  const fatal = failureOf(engine.propose(1, bytes(`exitOnce ${join(dir, "marker")}`)));
  await crashed;
  await fatal;
  await engine.close();
  const again = await Engine.open(options);
  await again.close();
});
