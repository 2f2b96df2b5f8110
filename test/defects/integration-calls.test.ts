/** Defects of other engines in what callers are told, each shown to be absent with whole engines. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Engine, RaftError } from "../../src/index.ts";
import type { EngineOptions } from "../../src/index.ts";
import { KeyValueGroup, kvMachineUrl } from "../../src/service/index.ts";
import { until } from "../integration/node-process.ts";

const seenMs = 60_000;

class EngineSet implements AsyncDisposable {
  readonly dir: string = mkdtempSync(join(tmpdir(), "flotilla-engines-"));
  private readonly engines: Engine[] = [];

  async open(node: string, options: Partial<EngineOptions> = {}): Promise<Engine> {
    const engine = await Engine.open({
      cluster: "defects",
      node,
      dir: join(this.dir, node),
      listen: { host: "127.0.0.1", port: 0 },
      stateMachine: kvMachineUrl,
      preallocateBytes: 1_048_576,
      ...options,
    });
    this.engines.push(engine);
    return engine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.engines.map((engine) => engine.close()));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

test("NATS: writes acknowledged before fsync by default", async () => {
  await using set = new EngineSet();
  const engine = await set.open("n1");
  await engine.createGroup({ group: 1, members: ["n1"] });
  await engine.awaitLeader(1);
  assert.equal((await engine.status(1)).durability, "strict");
  const flushes = async (): Promise<number> => {
    const stats = await engine.stats();
    return stats.reduce((sum, { store }) => sum + store.flushes, 0);
  };
  const store = new KeyValueGroup(engine, 1);
  for (let write = 0; write < 20; write += 1) {
    const before = await flushes();
    await store.put("key", `${write}`);
    assert.ok((await flushes()) >= before + 2, "the record and the page that leads to it");
  }
});

test("zraft_lib: redirect loop without a deadline, where a call with a stale hint is answered by the first who does not lead", async () => {
  await using set = new EngineSet();
  const names = ["n1", "n2", "n3"];
  // Long enough that nobody takes over by itself while hints are stale.
  const engines = await Promise.all(
    names.map((node) => set.open(node, { shards: 1, electionTicks: 100 })),
  );
  const peers = Object.fromEntries(engines.map(({ node, address }) => [node, address]));
  for (const engine of engines) await engine.setPeers(peers);
  const [first, second] = engines;
  assert.ok(first !== undefined && second !== undefined);
  await first.createGroup({ group: 1, members: names });
  await second.awaitLeader(1);
  const store = new KeyValueGroup(second, 1);
  assert.deepEqual(second.group(1)?.leader, "n1");
  const error = await until(
    "n1 answers a forwarded call that finds it no longer leading, and passes nothing on",
    seenMs,
    async () => {
      await first.awaitLeader(1);
      // The second node hears of the handover only with the successor's request for its vote.
      const calls: Promise<unknown>[] = [];
      let leads = true;
      const resigned = first.resign(1).finally(() => (leads = false));
      while (leads) {
        const call = store.put("key", "value", { forward: true, timeoutMs: 5_000 });
        calls.push(call.then(() => undefined).catch((reason: unknown) => reason));
        await nextTurn();
      }
      assert.equal(await resigned, true);
      const failures = await Promise.all(calls);
      const failure = failures.find((reason) =>
        /Node n1 (does not lead|no longer leads)/.test(String(reason)),
      );
      await first.campaign(1, { force: true });
      await until("n1 leads", seenMs, () => (first.group(1)?.role === "leader" ? true : undefined));
      return failure;
    },
  );
  assert.ok(error instanceof RaftError);
  assert.equal(error.code, "ERR_NOT_LEADER");
  assert.equal(error.outcome, "none");
});

test("ra #656: one process as fan-in bottleneck, where a busy shard delays no other shard's groups", async () => {
  await using set = new EngineSet();
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  const machine = `../integration/fixtures/blocking-machine-fixture${extension}`;
  const engine = await set.open("n1", {
    shards: 2,
    stateMachine: new URL(machine, import.meta.url),
  });
  const create = (group: number): Promise<unknown> =>
    engine.createGroup({ group, members: ["n1"] }).then(() => engine.awaitLeader(group));
  const groups = Array.from({ length: 20 }, (_, at) => at + 1);
  await Promise.all(groups.map(create));
  const placed = new Map<number, number>();
  for (const group of groups) placed.set(group, (await engine.status(group)).shard);
  const busy = groups.find((group) => placed.get(group) === 0) ?? 0;
  const file = join(set.dir, "busy");
  writeFileSync(file, "");
  try {
    const blocked = engine.propose(busy, Buffer.from(file));
    blocked.catch(() => {});
    // Groups of the other shard are written to, and new ones are created there, all the while.
    const free = groups.filter((group) => placed.get(group) === 1);
    for (const group of free) await engine.propose(group, Buffer.from(join(set.dir, "absent")));
    const answered = await Promise.race([blocked.then(() => true), Promise.resolve(false)]);
    assert.equal(answered, false, "the busy shard is still busy");
    rmSync(file);
    await blocked;
  } finally {
    rmSync(file, { force: true });
  }
});
