import assert from "node:assert/strict";
import { test } from "node:test";
import { measurementOf, pointOf } from "../../../../bench/peers/comparison.ts";

const settings = { peer: "other", outstanding: 8 };

test("a peer's latencies become percentiles in ms", () => {
  const latenciesUs = Array.from({ length: 100 }, (_, at) => (at + 1) * 1_000);
  const measured = measurementOf({ throughput: 5, latenciesUs, cpuMicros: undefined });
  const { figures } = pointOf({ settings, measured }, undefined);
  assert.equal(Math.round(figures["p50"]?.value ?? 0), 50);
  assert.equal(Math.round(figures["p99"]?.value ?? 0), 99);
  assert.equal(figures["throughput"]?.value, 5);
});

test("CPU time that a peer does not know is no figure", () => {
  const measured = measurementOf({ throughput: 5, latenciesUs: [1], cpuMicros: undefined });
  assert.ok(!("cpuPerCommand" in pointOf({ settings, measured }, undefined).figures));
});

test("ratios are flotilla's figures divided by the peer's", () => {
  const own = measurementOf({ throughput: 300, latenciesUs: [500], cpuMicros: 1 });
  const measured = measurementOf({ throughput: 100, latenciesUs: [2_000], cpuMicros: 7 });
  const { figures } = pointOf({ settings, measured }, own);
  assert.equal(figures["flotillaToPeerThroughput"]?.value, 3);
  assert.equal(figures["flotillaToPeerThroughput"]?.better, "higher");
  assert.equal(figures["flotillaToPeerP50"]?.value.toFixed(2), "0.25");
  assert.equal(figures["flotillaToPeerP99"]?.better, "lower");
  assert.equal(figures["cpuPerCommand"]?.value, 7);
});

test("flotilla is not compared with itself, and nothing with what was not measured", () => {
  const own = measurementOf({ throughput: 300, latenciesUs: [500], cpuMicros: 1 });
  const names = ["throughput", "p50", "p99", "cpuPerCommand"];
  assert.deepEqual(Object.keys(pointOf({ settings, measured: own }, own).figures), names);
  assert.deepEqual(pointOf({ settings, remark: "not installed" }, own), {
    settings,
    figures: {},
    remark: "not installed",
  });
});
