import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/index.ts";
import { Backoff } from "../../../src/transport/backoff.ts";

test("Backoff doubles its ceiling up to the maximum, and draws from the upper half", () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const backoff = new Backoff({ minMs: 50, maxMs: 2_000 }, new Prng(seed));
    for (const ceilingMs of [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]) {
      const delayMs = backoff.next();
      const fits = Number.isInteger(delayMs) && delayMs >= ceilingMs / 2 && delayMs <= ceilingMs;
      assert.ok(fits, `seed ${seed}: ${delayMs} of ${ceilingMs}`);
    }
    backoff.reset();
    assert.ok(backoff.next() <= 50);
  }
});

test("Backoff spreads those who start together", () => {
  const delays = new Set<number>();
  for (let seed = 0; seed < 50; seed += 1) {
    delays.add(new Backoff({ minMs: 1_000, maxMs: 1_000 }, new Prng(seed)).next());
  }
  assert.ok(delays.size > 30, `${delays.size} different delays of 50`);
});
