import assert from "node:assert/strict";
import { test } from "node:test";
import { meetsGoal, parseLatency, parseThroughput, ratioFor } from "../../../../bench/tune/goal.ts";

test("a latency is a number with a unit", () => {
  const texts = ["5ms", "0.5 ms", "800us", "800µs", "1.5s"];
  assert.deepEqual(texts.map(parseLatency), [5, 0.5, 0.8, 0.8, 1_500]);
  for (const wrong of ["5", "ms", "0ms", "-1ms", "5m", "1e3ms", "5ms6", ""]) {
    assert.throws(() => parseLatency(wrong), /must be a time above 0 with its unit/, wrong);
  }
});

test("a throughput is a number, in thousands or millions where it says so", () => {
  const texts = ["200k", "1.5M", "200000", "200,000", "200_000/s", "3K/s"];
  assert.deepEqual(texts.map(parseThroughput), [200_000, 1.5e6, 200_000, 200_000, 200_000, 3_000]);
  for (const wrong of ["0", "k", "-5k", "5ms", "1G", "five", ""]) {
    assert.throws(() => parseThroughput(wrong), /must be proposals a second above 0/, wrong);
  }
});

test("within the limit counts what is wanted, without it how far it is, and within beats without", () => {
  const p99 = { kind: "p99", atMostMs: 5 } as const;
  const fast = { throughput: 300, p99Ms: 6 };
  const slow = { throughput: 100, p99Ms: 5 };
  assert.equal(meetsGoal(p99, slow), true);
  assert.equal(meetsGoal(p99, fast), false);
  assert.equal(ratioFor(p99, slow, fast), Infinity);
  assert.equal(ratioFor(p99, fast, slow), 0);
  assert.equal(ratioFor(p99, { throughput: 200, p99Ms: 1 }, slow), 2);
  assert.equal(ratioFor(p99, fast, { throughput: 900, p99Ms: 12 }), 2);
  const throughput = { kind: "throughput", atLeast: 100 } as const;
  assert.equal(ratioFor(throughput, slow, { throughput: 300, p99Ms: 10 }), 2);
  assert.equal(ratioFor(throughput, { throughput: 99, p99Ms: 1 }, slow), 0);
});
