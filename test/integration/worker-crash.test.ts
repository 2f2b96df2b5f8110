/** A worker thread that ends by an exception: its calls end with an unknown outcome, its shard comes back. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { NodeCluster } from "./node-cluster.ts";
import { until } from "./node-process.ts";

const seenMs = 60_000;

test("a crashed worker's calls fail with outcome unknown, and its shard returns with every acknowledged write", async (t) => {
  await using cluster = new NodeCluster();
  await cluster.start(...cluster.names);
  await cluster.createGroups(30);
  await cluster.startLoad(8);
  for (const victim of cluster.names) {
    await cluster.progress(100);
    const node = cluster.node(victim);
    const [group = 0] = cluster.groups;
    const onceFile = join(cluster.dir, `poison-${victim}`);
    const poison = { group, victim, onceFile };
    await until(`the poison reaches ${victim}`, seenMs, async () => {
      const outcome = await cluster.anyNode().call({ kind: "poison", poison });
      return outcome.ok || outcome.error.outcome === "unknown" ? true : undefined;
    });
    for (const event of ["shardCrashed", "shardRestarted"]) {
      await until(`${victim} tells ${event}`, seenMs, () =>
        node.events.find((seen) => seen.startsWith(event)),
      );
    }
    // The others have not noticed, and the victim takes part again.
    await cluster.touchAll(node);
  }
  const counts = await cluster.stopLoad();
  t.diagnostic(counts);
  assert.match(counts, /ERR_SHARD_CRASHED unknown/);
  for (const { events } of cluster.running()) {
    assert.equal(events.filter((event) => event.startsWith("shardCrashed")).length, 1);
  }
  await cluster.verify();
});
