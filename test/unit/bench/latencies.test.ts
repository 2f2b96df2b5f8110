import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Latencies } from "../../../bench/lib/latencies.ts";

/** Three digits are kept. */
function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= expected / 1_000, `${actual} is not near ${expected}`);
}

test("percentiles are those of what was recorded", () => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 1_000; ms += 1) latencies.record(ms);
  assert.equal(latencies.count, 1_000);
  near(latencies.percentile(50), 500);
  near(latencies.percentile(99), 990);
  near(latencies.percentile(99.9), 999);
  near(latencies.maxMs, 1_000);
});

test("a batch counts as often as it has commands", () => {
  const latencies = new Latencies();
  latencies.record(1, 98);
  latencies.record(50, 2);
  near(latencies.percentile(98), 1);
  near(latencies.percentile(99), 50);
});

test("what several processes recorded is added up", () => {
  const [first, second, sum] = [new Latencies(), new Latencies(), new Latencies()];
  first.record(0.025, 3);
  second.record(2_000);
  sum.addEncoded(first.encode());
  sum.addEncoded(second.encode());
  sum.addEncoded(new Latencies().encode());
  assert.equal(sum.count, 4);
  near(sum.percentile(50), 0.025);
  near(sum.maxMs, 2_000);
});

test("without latencies there are zeros, and nothing is out of range", () => {
  const latencies = new Latencies();
  assert.deepEqual([latencies.percentile(50), latencies.maxMs], [0, 0]);
  latencies.record(-1);
  latencies.record(1e9);
  assert.equal(latencies.count, 2);
});

test("a percentile is never above the maximum, and percentiles ascend", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e7, noNaN: true }), { minLength: 1 }), (all) => {
      const latencies = new Latencies();
      for (const ms of all) latencies.record(ms);
      const ascending = [50, 90, 99, 99.9, 100].map((percent) => latencies.percentile(percent));
      ascending.push(latencies.maxMs);
      assert.deepEqual(
        ascending,
        ascending.toSorted((a, b) => a - b),
      );
    }),
  );
});
