import assert from "node:assert/strict";
import { test } from "node:test";
import { Sampler } from "../../../bench/lib/load/sampler.ts";

test("a sampler takes about one in so many, of every kind that takes turns", () => {
  const sampler = new Sampler(8);
  const taken = [0, 0];
  for (let call = 0; call < 80_000; call += 1) {
    const kind = call % 2;
    if (sampler.take()) taken[kind] = (taken[kind] ?? 0) + 1;
  }
  for (const count of taken) assert.ok(count > 4_000 && count < 6_000, taken.join());
});

test("a sampler of one in one takes all", () => {
  const sampler = new Sampler(1);
  assert.ok(Array.from({ length: 100 }, () => sampler.take()).every(Boolean));
});
