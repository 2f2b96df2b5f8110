import assert from "node:assert/strict";
import { test } from "node:test";
import { dipOf } from "../../../bench/lib/cluster/dip.ts";
import type { Dip } from "../../../bench/lib/cluster/dip.ts";

function dip(...perSecond: readonly number[]): Dip {
  return dipOf(
    1_000,
    perSecond.map((each) => ({ perSecond: each, seconds: 0.5 })),
  );
}

test("dipOf() ends where throughput is back for two windows in a row", () => {
  assert.deepEqual(dip(600, 700, 950, 400, 900, 1_000, 300), { least: 0.4, seconds: 2 });
});

test("dipOf() finds no dip where there is none", () => {
  assert.deepEqual(dip(1_100, 990, 980), { least: 1, seconds: 0 });
});

test("dipOf() takes all the time that there is where throughput never comes back", () => {
  assert.deepEqual(dip(600, 700, 1_000), { least: 0.6, seconds: 1.5 });
  assert.deepEqual(dip(), { least: 1, seconds: 0 });
});
