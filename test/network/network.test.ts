/** Nodes on bad wires give answers that one order explains; wires do what they are told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { randomSeed, seededPrng } from "../integration/random-seed.ts";
import { skipWithout } from "../native/skip-without.ts";
import { whyNoNetwork } from "./bad-wire.ts";
import { historyOf, judge } from "./client-history.ts";
import type { Exchange } from "./client-history.ts";
import { runNetwork } from "./network-run.ts";

const faultsMax = 4;

test("three nodes on bad wires lose nothing, contradict nothing and agree in the end", async (t) => {
  if (skipWithout(t, whyNoNetwork())) return;
  seededPrng(t, "network");
  const { history, contradictions, undecided, faults, packets, failures } = await runNetwork({
    seed: randomSeed,
    groups: 6,
    clients: 12,
    goesOn: (begun) => begun < faultsMax,
  });
  t.diagnostic(JSON.stringify({ operations: history.length, faults, packets, failures }));
  assert.deepEqual(contradictions, [], `seed ${randomSeed}`);
  assert.equal(undecided, 0);
});

const place = { client: 1, node: "n1", life: 1, group: 1, key: "k", expected: null };
const put: Exchange = {
  ...place,
  callUs: 1,
  returnUs: 2,
  request: { kind: "put", value: "a" },
  answer: { ok: true, value: "a", revision: 5, index: 5 },
};

test("a refused compare-and-set is told with the value that others saw at its revision", () => {
  const refused: Exchange = {
    ...put,
    callUs: 3,
    returnUs: 4,
    request: { kind: "cas", revision: 0, value: "b" },
    answer: { ok: false, value: undefined, revision: 5, index: 6 },
  };
  const history = historyOf([put, refused]);
  assert.deepEqual(history[1]?.result, { success: false, previous: "a" });
  assert.deepEqual(judge(history), { contradictions: [], undecided: 0 });
  assert.equal(historyOf([refused]).length, 0);
});

test("a stale read is a contradiction, and a local one is not", () => {
  const read: Exchange = {
    ...put,
    callUs: 3,
    returnUs: 4,
    request: { kind: "get" },
    answer: { ok: true, value: null, revision: 0, index: 4 },
  };
  assert.ok(judge(historyOf([put, read])).contradictions.length > 0);
  const local: Exchange = { ...read, request: { kind: "getLocal" } };
  assert.deepEqual(judge(historyOf([put, local])).contradictions, []);
});
