/**
 * A node that comes back under its old name with an empty disk has forgotten its votes and what it
 * acknowledged. It must not take part, or a majority could contradict itself.
 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { NodeCluster } from "./node-cluster.ts";
import { until } from "./node-process.ts";

const seenMs = 60_000;

test("a node without its disk neither votes nor acknowledges, and the others say that it is missing", async () => {
  await using cluster = new NodeCluster();
  await cluster.start(...cluster.names);
  await cluster.createGroups(30);
  await cluster.startLoad(8);
  await cluster.progress(200);
  await cluster.kill("n3");
  rmSync(cluster.dirOf("n3"), { recursive: true });
  await cluster.start("n3");
  await cluster.progress(200);
  await cluster.stopLoad();
  const n1 = cluster.node("n1");
  await cluster.touchAll(n1);
  const { groups } = cluster;
  await until("leaders say that n3 is missing", seenMs, async () => {
    const [statuses] = await Promise.all([
      n1.call({ kind: "statuses", groups }),
      cluster.node("n2").call({ kind: "statuses", groups }),
    ]);
    const led = statuses.filter(({ role }) => role === "leader");
    const missed = led.filter(({ members }) =>
      members.some(({ node, missing }) => node === "n3" && missing),
    );
    return led.length === missed.length ? true : undefined;
  });
  assert.deepEqual(await cluster.node("n3").call({ kind: "views" }), []);

  // With n3 as the second of three, n2 alone is no majority.
  await cluster.kill("n1");
  const outcomes = await cluster.node("n2").call({ kind: "touch", groups, timeoutMs: 2_000 });
  assert.deepEqual(
    outcomes.filter(({ ok }) => ok),
    [],
  );
  await cluster.start("n1");
  await cluster.kill("n3");
  await cluster.verify();
});
