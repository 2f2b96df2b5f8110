/**
 * Defect of etcd: a leader with a stalled disk stays leader (#13527, #15247), as its heartbeats go
 * on while nothing can be written. Here the loop that heartbeats is the loop that writes. The disk
 * stalls by a tracer that delays every flush after the first few.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { whyNotTraceable } from "../durability/syscall-trace.ts";
import { NodeCluster } from "../integration/node-cluster.ts";
import { until } from "../integration/node-process.ts";

const seenMs = 60_000;
const soundFlushes = 60;
const stallUs = 4_000_000;
const obstacle = whyNotTraceable();

test("etcd #13527, #15247: a leader whose disk stalls stays leader", async (t) => {
  if (obstacle !== undefined) return t.diagnostic(obstacle);
  const inject = `inject=fdatasync:delay_enter=${stallUs}:when=${soundFlushes}+`;
  const under = { n1: ["strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", inject] };
  await using cluster = new NodeCluster({ under, tickMs: 50 });
  await cluster.start(...cluster.names);
  await cluster.createGroups(12);
  const { groups } = cluster;
  await cluster.node("n1").call({ kind: "campaign", groups });
  await cluster.startLoad(6);
  const others = ["n2", "n3"].map((name) => cluster.node(name));
  await until("the nodes whose disks work lead every group", seenMs, async () => {
    const led = new Set<number>();
    for (const node of others) {
      for (const { group, role } of await node.call({ kind: "views" })) {
        if (role === "leader") led.add(group);
      }
    }
    return led.size === groups.length ? true : undefined;
  });
  await cluster.progress(200);
  assert.deepEqual(cluster.ledger.faults, []);
});
