import assert from "node:assert/strict";
import { unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Engine } from "../../src/index.ts";
import {
  awaitEvent,
  bytes,
  createAlone,
  failureOf,
  groupOnShard,
  machineUrl,
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

const poisons = [
  { how: "exitWhile", store: "lmdb", group: 2, crashes: 2, where: /in its command at index 3: / },
  {
    how: "exitWhile",
    store: "segments",
    group: 2,
    crashes: 2,
    where: /in its command at index 3: /,
  },
  {
    how: "throwLaterWhile",
    store: "lmdb",
    group: undefined,
    crashes: 3,
    where: /callback that its command at index 3 .*engine's back/,
  },
  {
    how: "rejectWhile",
    store: "lmdb",
    group: undefined,
    crashes: 3,
    where: /callback that its command at index 3 .*engine's back/,
  },
  {
    how: "exitLaterWhile",
    store: "lmdb",
    group: undefined,
    crashes: 3,
    where: /callback that its command at index 3 /,
  },
] as const;

for (const { how, store, group: firstBlamed, crashes, where } of poisons) {
  test(`a command that ends its shard's worker on ${store} by ${how} holds its group alone, until it is enabled after a mend`, async (t) => {
    const { engine, dir } = await openEngine(t, { store });
    for (const group of [1, 2, 3]) {
      await createAlone(engine, group);
      await engine.propose(group, bytes("before"));
    }
    const marker = join(dir, "marker");
    writeFileSync(marker, "");
    const seen = watchCrashes(engine);
    const held = awaitEvent(engine, "groupFailed");
    await Promise.allSettled([engine.propose(2, bytes(`${how} ${marker}`))]);
    await held;
    assert.equal(seen.length, crashes);
    assert.deepEqual(seen[0], { group: firstBlamed, restartInMs: 100 });
    assert.deepEqual(seen.at(-1), { group: 2, restartInMs: 100 * 2 ** (crashes - 1) });
    await assertHeld(engine, where);
    const restarted = awaitEvent(engine, "shardRestarted");
    const again = awaitEvent(engine, "groupFailed");
    await Promise.allSettled([engine.enableGroup(2)]);
    await again;
    assert.equal(seen.length, crashes + 1, "one more crash holds it again");
    await restarted;
    await assertHeld(engine, where);
    unlinkSync(marker);
    await engine.enableGroup(2);
    await engine.awaitLeader(2);
    await engine.propose(2, bytes("after"));
    assert.equal(await readText(engine, 2), `before,${how} ${marker},after`);
    assert.deepEqual((await engine.health()).held, []);
    assert.equal(seen.length, crashes + 1);
  });
}

/** What is told of each crash from now on. */
function watchCrashes(engine: Engine): { group: number | undefined; restartInMs: number }[] {
  const seen: { group: number | undefined; restartInMs: number }[] = [];
  engine.on("shardCrashed", ({ group, restartInMs }) => seen.push({ group, restartInMs }));
  return seen;
}

/** Group 2 says why it does not run, and groups 1 and 3 of its shard serve. */
async function assertHeld(engine: Engine, where: RegExp): Promise<void> {
  for (const group of [1, 3]) {
    await engine.awaitLeader(group);
    await engine.propose(group, bytes("beside"));
    assert.match(await readText(engine, group), /^before(,beside)+$/);
  }
  assert.equal(engine.group(2)?.state, "failed");
  const { state, reason, retryInMs } = await engine.status(2);
  assert.deepEqual({ state, retryInMs }, { state: "failed", retryInMs: undefined });
  assert.match(reason, where);
  const refused = await failureOf(engine.propose(2, bytes("meanwhile")));
  assert.deepEqual([refused.code, refused.outcome], ["ERR_GROUP_FAILED", "none"]);
  assert.deepEqual(refused.details, { reason, retryInMs: undefined });
  const { ready, held } = await engine.health();
  assert.ok(ready, "one group's fault must not take the node out of service");
  assert.deepEqual(held, [{ shard: 0, group: 2, reason }]);
}

test("a group that ends its worker while an engine opens is held, and the engine opens", async (t) => {
  const { engine, dir, options } = await openEngine(t);
  for (const group of [1, 2, 3]) {
    await createAlone(engine, group);
    await engine.propose(group, bytes("before"));
  }
  await engine.close();
  const barrier = join(dir, "barrier");
  writeFileSync(barrier, "");
  const stateMachine = machineUrl("list");
  stateMachine.searchParams.set("barrier", barrier);
  const again = await Engine.open({ ...options, stateMachine });
  t.after(() => again.close());
  await assertHeld(again, /2 times in a row .* in createStateMachine\(\)/);
  unlinkSync(barrier);
  await again.enableGroup(2);
  await again.awaitLeader(2);
  assert.equal(await readText(again, 2), "before");
});

for (const recover of ["all", "none", "chosen"] as const) {
  test(`an engine that opens with a poisoned log, and recovers ${recover} of its groups, holds one`, async (t) => {
    const { engine, dir, options } = await openEngine(t);
    for (const group of [1, 2, 3]) {
      await createAlone(engine, group);
      await engine.propose(group, bytes("before"));
    }
    const marker = join(dir, "marker");
    await engine.propose(2, bytes(`exitWhile ${marker}`));
    await engine.close();
    writeFileSync(marker, "");
    const again = await Engine.open({
      ...options,
      recover: recover === "chosen" ? () => true : recover,
    });
    t.after(() => again.close());
    if (recover === "none") {
      for (const group of [1, 3]) await again.startGroup(group);
      for (let crash = 0; crash < 2; crash += 1) {
        const restarted = awaitEvent(again, "shardRestarted");
        await Promise.allSettled([again.startGroup(2)]);
        await restarted;
        if (again.group(2)?.state === "failed") break;
      }
    }
    while (again.group(2)?.state !== "failed") await awaitEvent(again, "groupFailed");
    await assertHeld(again, /in its command at index 3: /);
  });
}

for (const recover of ["none", "a function"] as const) {
  test(`after a crash those groups run that ran before it, and no others, if ${recover} chooses them`, async (t) => {
    const { engine, dir, options } = await openEngine(t);
    for (const group of [1, 2, 3, 4]) await createAlone(engine, group);
    await engine.close();
    const chooses = (group: number): boolean => group === 2 || group === 3;
    const again = await Engine.open({ ...options, recover: recover === "none" ? "none" : chooses });
    t.after(() => again.close());
    const states = (): unknown[] => [1, 2, 3, 4, 5].map((group) => again.group(group)?.state);
    const chosen = recover === "none" ? "stopped" : "running";
    assert.deepEqual(states(), ["stopped", chosen, chosen, "stopped", undefined]);
    await again.startGroup(1);
    await again.startGroup(2);
    await again.stopGroup(3);
    await createAlone(again, 5);
    const before = ["running", "running", "stopped", "stopped", "running"];
    assert.deepEqual(states(), before);
    await again.awaitLeader(2);
    const restarted = awaitEvent(again, "shardRestarted");
    await failureOf(again.propose(2, bytes(`exitOnce ${join(dir, "marker")}`)));
    await restarted;
    assert.deepEqual(states(), before);
    for (const group of [1, 2, 5]) {
      await again.awaitLeader(group);
      await again.propose(group, bytes("after"));
    }
  });
}

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
