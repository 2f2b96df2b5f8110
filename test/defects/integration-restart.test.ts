/**
 * Defects of other engines that show when nodes restart, each shown to be absent with real
 * processes. Many groups, since most of these defects were invisible with few.
 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { NodeCluster } from "../integration/node-cluster.ts";
import { until } from "../integration/node-process.ts";

const manyGroups = 2_000;
const seenMs = 60_000;

test("RaKvstore: restarting every node drops all keys; CockroachDB #46660: never came back after a full restart; RabbitMQ #3745: groups saturate the disk with vote writes after a restart", async (t) => {
  await using cluster = new NodeCluster({ tickMs: 100, timeoutMs: 30_000 });
  await cluster.start(...cluster.names);
  await cluster.createGroups(manyGroups);
  await cluster.touchAll();
  await cluster.kill(...cluster.names);
  await cluster.start(...cluster.names);

  const indexes = await cluster.touchAll();
  assert.equal(indexes.filter((index) => index > 0).length, manyGroups);
  // The write before the restart was the first of its key.
  const keys = cluster.groups.map((group) => ({ group, key: "touched" }));
  for (const node of cluster.running()) {
    await until(`${node.node} holds the writes of before and after`, seenMs, async () => {
      const records = await node.call({ kind: "readLocal", keys });
      return records.every((record) => (record?.version ?? 0) >= 2) ? true : undefined;
    });
    // Each group wrote a term, a vote, an empty entry and a write; all in shared commits.
    const stats = await node.call({ kind: "stats" });
    const flushes = stats.reduce((sum, { store }) => sum + store.flushes, 0);
    t.diagnostic(`${node.node}: ${flushes} flushes for ${manyGroups} groups since the restart`);
    assert.ok(flushes < manyGroups / 2, `${flushes} flushes are not one a group`);
  }
});

test("WARaft: term and vote not synced on each change, so that a restart brought back old ones", async () => {
  await using cluster = new NodeCluster({ tickMs: 100 });
  await cluster.start(...cluster.names);
  await cluster.createGroups(30);
  const { groups } = cluster;
  for (let round = 0; round < 3; round += 1) {
    // Elections are in progress when the nodes die: what was heard of them by then must be on disk.
    await Promise.all(cluster.running().map((node) => node.call({ kind: "campaign", groups })));
    const led = new Map<string, number>();
    await until("leaders are elected", seenMs, async () => {
      for (const node of cluster.running()) {
        for (const { group, role, term } of await node.call({ kind: "views" })) {
          if (role === "leader") led.set(`${node.node} ${group}`, term);
        }
      }
      return led.size >= groups.length ? true : undefined;
    });
    await cluster.kill(...cluster.names);
    await cluster.start(...cluster.names);
    for (const [name, { term, vote, node }] of await cluster.statuses()) {
      const ledTerm = led.get(name) ?? 0;
      assert.ok(term >= ledTerm, `${name} led in term ${ledTerm} and is in ${term}`);
      if (term === ledTerm) assert.equal(vote, node, `${name} has forgotten its vote for itself`);
    }
    await cluster.touchAll();
  }
});

test("RabbitMQ #15725: a node that comes back with a new identity leaves groups leaderless for ever", async () => {
  await using cluster = new NodeCluster();
  await cluster.start(...cluster.names);
  await cluster.createGroups(30);
  await cluster.node("n3").call({ kind: "campaign", groups: cluster.groups });
  await cluster.touchAll();
  for (const round of [1, 2]) {
    await cluster.kill("n3");
    rmSync(cluster.dirOf("n3"), { recursive: true });
    await cluster.start("n3");
    // Two of three members remain: they elect, among themselves, and again after a restart.
    await cluster.touchAll(cluster.node("n1"));
    const other = round === 1 ? "n1" : "n2";
    await cluster.kill(other);
    await cluster.start(other);
    await cluster.touchAll(cluster.node(other));
  }
});

test("zraft_lib: a session sticks to a dead former leader", async () => {
  await using cluster = new NodeCluster();
  await cluster.start(...cluster.names);
  await cluster.createGroups(30);
  await cluster.touchAll();
  // The same caller, through the same node, whoever leads and wherever that node's hints point.
  const caller = cluster.node("n2");
  for (const victim of ["n1", "n3", "n1"]) {
    await cluster.kill(victim);
    await cluster.touchAll(caller);
    await cluster.start(victim);
    await cluster.touchAll(caller);
  }
});
