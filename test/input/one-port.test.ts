/** Nodes of several shards with one port each (`ports: "one"`): real engines, threads and sockets. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { Engine, RaftError } from "../../src/index.ts";
import type { EngineOptions } from "../../src/index.ts";
import { TestAuthority } from "../unit/transport/test-authority.ts";
import {
  awaitEvent,
  bytes,
  failureOf,
  groupOnShard,
  optionsFor,
  readText,
  tempDir,
} from "./engine-rig.ts";

const members = ["a", "b", "c"];
const patient = { timeoutMs: 20_000, forward: true };

function optionsOfNode(dir: string, node: string, more: Partial<EngineOptions>): EngineOptions {
  // Long ticks: nine threads and large commands on a busy machine are no reason to elect.
  const shared = { shards: 2, ports: "one", tickMs: 100 } as const;
  return { ...optionsFor(dir, { node, ...shared, ...more }), dir: join(dir, node) };
}

interface Cluster {
  readonly dir: string;
  readonly engines: readonly Engine[];
}

async function openCluster(
  t: TestContext,
  moreOf: (node: string) => Partial<EngineOptions> = () => ({}),
): Promise<Cluster> {
  const dir = tempDir(t);
  const open = (node: string): Promise<Engine> =>
    Engine.open(optionsOfNode(dir, node, moreOf(node)));
  const engines = await Promise.all(members.map(open));
  t.after(() => Promise.all(engines.map((engine) => engine.close())));
  const peers = Object.fromEntries(engines.map(({ node, address }) => [node, address]));
  for (const engine of engines) await engine.setPeers(peers);
  return { dir, engines };
}

function nodeOf({ engines }: Cluster, node: string): Engine {
  const engine = engines.find((one) => one.node === node);
  assert.ok(engine !== undefined);
  return engine;
}

async function createOn(cluster: Cluster, group: number): Promise<void> {
  const created = await nodeOf(cluster, "a").createGroup({ group, members, timeoutMs: 20_000 });
  assert.deepEqual(created.started.toSorted(), members);
}

/**
 * Proposes until it is acknowledged, perhaps more than once: on a busy machine leaders change, and
 * a shard that has just come back may not have its links yet.
 */
async function proposeSoon(engine: Engine, group: number, command: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      await engine.propose(group, bytes(command), patient);
      return;
    } catch (error) {
      assert.ok(error instanceof RaftError && error.retryable, String(error));
      assert.ok(performance.now() < deadline, `it is acknowledged: ${error.message}`);
    }
  }
}

/** Waits until all replicas have the same state. */
async function untilEqual(cluster: Cluster, group: number): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const digests = await Promise.all(cluster.engines.map((engine) => engine.digest(group)));
    if (new Set(digests.map((digest) => JSON.stringify(digest))).size === 1) return;
    assert.ok(performance.now() < deadline, `replicas of group ${group} become equal`);
  }
}

for (const shards of [2, 3]) {
  test(`three nodes of ${shards} shards write, read and pass on large commands through one port each`, async (t) => {
    const cluster = await openCluster(t, () => ({ shards, commandBytesMax: 8_388_608 }));
    const large = "x".repeat(8_388_600);
    for (let shard = 0; shard < shards; shard += 1) {
      const group = groupOnShard(shard, shards);
      await createOn(cluster, group);
      for (const engine of cluster.engines) await proposeSoon(engine, group, engine.node);
      await proposeSoon(nodeOf(cluster, "b"), group, large);
      const { value } = await nodeOf(cluster, "c").read(group, bytes(""), patient);
      const found = new Set(new TextDecoder().decode(value).split(","));
      assert.ok([...members, large].every((command) => found.has(command)));
      await untilEqual(cluster, group);
    }
    const ports = cluster.engines.map(({ address }) => address.split(":")[1]);
    assert.equal(new Set(ports).size, 3);
  });
}

test("a follower that was away catches up through the one port of its node", async (t) => {
  const { dir, engines } = await openCluster(t);
  const cluster = { dir, engines };
  const group = groupOnShard(1, 2);
  await createOn(cluster, group);
  const [a, b, c] = members.map((node) => nodeOf(cluster, node));
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  await c.close();
  const commands = Array.from({ length: 16 }, () => bytes("y".repeat(50_000)));
  for (let n = 0; n < 8; n += 1) {
    const results = await a.proposeBatch(group, commands, patient);
    assert.ok(results.every((result) => !(result instanceof RaftError)));
  }
  const [, port] = c.address.split(":");
  const peers = { a: a.address, b: b.address };
  const listen = { host: "127.0.0.1", port: Number(port) };
  const again = await Engine.open(optionsOfNode(dir, "c", { listen, peers }));
  t.after(() => again.close());
  assert.equal(again.address, c.address);
  await untilEqual({ dir, engines: [a, b, again] }, group);
});

test("a shard whose worker dies is found at the one port again, be it the first or another", async (t) => {
  const cluster = await openCluster(t);
  const [a, b] = [nodeOf(cluster, "a"), nodeOf(cluster, "b")];
  const groups = [groupOnShard(0, 2), groupOnShard(1, 2)];
  for (const group of groups) await createOn(cluster, group);
  for (const [shard, group] of groups.entries()) {
    const other = groups[1 - shard];
    assert.ok(other !== undefined);
    const crashed = awaitEvent(a, "shardCrashed");
    const back = awaitEvent(a, "shardRestarted");
    const marker = join(cluster.dir, `marker-${shard}`);
    // Every node looks for a file of its own: it ends one worker, where it is missing.
    const fatal = failureOf(a.readLocal(group, bytes(`exitOnce ${marker}`)));
    await crashed;
    assert.equal((await fatal).code, "ERR_SHARD_CRASHED");
    await proposeSoon(b, other, "undisturbed");
    await back;
    await proposeSoon(a, group, "after");
    await untilEqual(cluster, group);
  }
});

test("a failed first shard hides no other behind the one port", async (t) => {
  const dir = tempDir(t);
  const a = await Engine.open(optionsOfNode(dir, "a", {}));
  t.after(() => a.close());
  const group = groupOnShard(0, 2);
  await a.createGroup({ group, members: ["a"] });
  const marker = join(dir, "marker");
  writeFileSync(marker, "");
  await a.propose(group, bytes("before"), patient);
  await failureOf(a.propose(group, bytes(`exitWhile ${marker}`)));
  // Somebody runs it again each time that it is held.
  a.on("groupFailed", () => void a.enableGroup(group).catch(() => {}));
  let pauseMs = 0;
  a.on("shardCrashed", ({ restartInMs }) => {
    pauseMs = restartInMs;
  });
  while (pauseMs < 400) await awaitEvent(a, "shardCrashed");
  const b = await Engine.open(optionsOfNode(dir, "b", { peers: { a: a.address } }));
  t.after(() => b.close());
  await a.setPeers({ b: b.address });
  const beside = groupOnShard(1, 2);
  await b.createGroup({ group: beside, members: ["a", "b"], timeoutMs: 20_000 });
  await proposeSoon(b, beside, "x");
  rmSync(marker);
  await a.awaitLeader(group, patient);
  assert.match(await readText(a, group), /^before/);
});

test("nodes with certificates talk through one port each, also with renewed ones", async (t) => {
  const authority = new TestAuthority();
  const tlsOf = (node: string) => ({
    ...authority.issue([`DNS:${node}`, "DNS:node.test"]),
    servername: "node.test",
  });
  const cluster = await openCluster(t, (node) => ({ tls: tlsOf(node), secret: "and a secret" }));
  const group = groupOnShard(1, 2);
  await createOn(cluster, group);
  const [a, b] = [nodeOf(cluster, "a"), nodeOf(cluster, "b")];
  await proposeSoon(b, group, "x".repeat(1_000_000));
  for (const engine of cluster.engines) await engine.renewCredentials({ tls: tlsOf(engine.node) });
  const back = awaitEvent(a, "shardRestarted");
  await failureOf(a.readLocal(group, bytes(`exitOnce ${join(cluster.dir, "marker")}`)));
  await back;
  await proposeSoon(a, group, "y");
  await untilEqual(cluster, group);
});

test("certificates that cannot be used refuse the opening, as they do with a port each", async (t) => {
  const tls = { key: "no key", cert: "no certificate", ca: "none" };
  for (const ports of ["one", "each"] as const) {
    const refused = await failureOf(Engine.open(optionsOfNode(tempDir(t), "a", { tls, ports })));
    assert.equal(refused.code, "ERR_OPTION_INVALID");
  }
});

test("a taken port refuses the opening, and a closed node has let go of its own", async (t) => {
  const dir = tempDir(t);
  const a = await Engine.open(optionsOfNode(dir, "a", {}));
  const listen = { host: "127.0.0.1", port: Number(a.address.split(":")[1]) };
  const taken = await failureOf(Engine.open(optionsOfNode(dir, "b", { listen })));
  assert.equal(taken.code, "ERR_PORT_IN_USE");
  await a.close();
  const b = await Engine.open(optionsOfNode(dir, "b", { listen }));
  assert.equal(b.address, a.address);
  await b.close();
});
