/**
 * A leader's process that stands still and wakes up believes to lead for a moment. What it says
 * then must not contradict what its successors have said meanwhile.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NodeCluster } from "./node-cluster.ts";
import { until } from "./node-process.ts";

const seenMs = 60_000;
const timeoutMs = 5_000;

test("a leader stopped for longer than the election timeout wakes up to no stale read and no second leader", async (t) => {
  await using cluster = new NodeCluster();
  await cluster.start(...cluster.names);
  await cluster.createGroups(30);
  await cluster.touchAll();
  await cluster.startLoad(8);
  for (let round = 1; round <= 3; round += 1) {
    await cluster.progress(100);
    const [group = 0] = cluster.groups;
    const old = await cluster.leaderOf(group);
    const others = cluster.running().filter((node) => node !== old);
    const at = { group, key: "watched", forward: false, timeoutMs };
    old.signal("SIGSTOP");
    const successor = await until("another node leads", seenMs, async () => {
      for (const node of others) {
        const views = await node.call({ kind: "views" });
        const view = views.find((seen) => seen.group === group);
        if (view?.role === "leader") return node;
      }
      return undefined;
    });
    const value = `round ${round}`;
    await until("the new leader takes a write", seenMs, async () => {
      const put = await successor.call({ kind: "put", put: { ...at, value } });
      return put.ok ? true : undefined;
    });
    // Asked while it stands still, so that they are the first that it reads when it wakes up.
    const reads = Array.from({ length: 20 }, () => old.call({ kind: "get", get: at }));
    const write = old.call({ kind: "put", put: { ...at, key: "stale", value } });
    old.signal("SIGCONT");
    for (const read of await Promise.all(reads)) {
      if (read.ok) assert.equal(read.value?.value, value, `round ${round}`);
      else assert.equal(read.error.outcome, "none");
    }
    const written = await write;
    t.diagnostic(`the old leader's write: ${written.ok ? "ok" : written.error.code}`);
    await until("the old leader follows", seenMs, async () => {
      const views = await old.call({ kind: "views" });
      const view = views.find((seen) => seen.group === group);
      return view?.leader !== undefined && view.leader !== old.node ? true : undefined;
    });
  }
  t.diagnostic(await cluster.stopLoad());
  await cluster.verify();
});
