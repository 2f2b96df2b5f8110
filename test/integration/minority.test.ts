/** One of three nodes: it can decide nothing, says so in time, and goes on when the others are back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "./fixtures/node-protocol.ts";
import { NodeCluster } from "./node-cluster.ts";

const timeoutMs = 1_500;
/** A busy machine answers late; a call that nobody answers would take much longer. */
const graceMs = 5_000;
const expectedCodes = ["ERR_NOT_LEADER", "ERR_TIMEOUT", "ERR_LEADERSHIP_LOST"];

function checkRefusal(outcome: Outcome<unknown>): void {
  assert.ok(!outcome.ok, "nothing is decided without a majority");
  assert.ok(expectedCodes.includes(outcome.error.code), outcome.error.message);
  assert.ok(outcome.afterMs < timeoutMs + graceMs, `answered after ${outcome.afterMs} ms`);
}

test("without a majority each call ends with a typed error by its deadline, and all goes on with one", async (t) => {
  await using cluster = new NodeCluster({ timeoutMs });
  await cluster.start(...cluster.names);
  await cluster.createGroups(30);
  await cluster.startLoad(8);
  await cluster.progress(200);
  const { groups } = cluster;
  await cluster.kill("n2", "n3");
  const n1 = cluster.node("n1");
  // At first it still leads what it led, and must not answer even a read; then it knows better.
  for (const forward of [false, true]) {
    const gets = groups.map((group) =>
      n1.call({ kind: "get", get: { group, key: "x", forward, timeoutMs } }),
    );
    const touches = await n1.call({ kind: "touch", groups, timeoutMs });
    for (const outcome of [...(await Promise.all(gets)), ...touches]) checkRefusal(outcome);
  }
  const views = await n1.call({ kind: "views" });
  assert.deepEqual(
    views.filter(({ role }) => role === "leader"),
    [],
    "a leader that hears no majority steps down",
  );
  await cluster.start("n2");
  await cluster.progress(100);
  await cluster.start("n3");
  await cluster.progress(100);
  t.diagnostic(await cluster.stopLoad());
  await cluster.verify();
});
