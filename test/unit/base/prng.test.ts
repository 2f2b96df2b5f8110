import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Prng } from "../../../src/base/index.ts";

const take = (prng: Prng, count: number): number[] =>
  Array.from({ length: count }, () => prng.uint32());

/** SplitMix32 and xoshiro128** once more, in BigInt and word for word from the paper. */
function* slowUint32s(seed: number): Generator<number, never> {
  const mask = 0xffff_ffffn;
  const rotl = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & mask;
  let z = BigInt(seed) & mask;
  const splitMix = (): bigint => {
    z = (z + 0x9e3779b9n) & mask;
    let t = z ^ (z >> 16n);
    t = (t * 0x21f0aaadn) & mask;
    t ^= t >> 15n;
    t = (t * 0x735a2d97n) & mask;
    return t ^ (t >> 15n);
  };
  let [s0, s1, s2, s3] = [splitMix(), splitMix(), splitMix(), splitMix() | 1n];
  while (true) {
    const result = (rotl((s1 * 5n) & mask, 7n) * 9n) & mask;
    const t = (s1 << 9n) & mask;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= t;
    s3 = rotl(s3, 11n);
    yield Number(result);
  }
}

test("Prng gives the numbers that it has always given, so that an old seed repeats an old failure", () => {
  assert.deepEqual(take(new Prng(0), 4), [1789933344, 44971166, 2521392804, 3836935353]);
  assert.deepEqual(take(new Prng(1), 4), [393288148, 2174103013, 3814759091, 2092745082]);
  assert.deepEqual(take(new Prng(42), 4), [660444221, 3652823732, 77678286, 922035873]);
});

test("Prng equals a slow second implementation of xoshiro128**", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (seed) => {
      const slow = slowUint32s(seed);
      const expected = Array.from({ length: 40 }, () => slow.next().value);
      assert.deepEqual(take(new Prng(seed), 40), expected);
    }),
  );
});

test("two Prngs of one seed go the same way, and of neighbouring seeds do not", () => {
  assert.deepEqual(take(new Prng(7), 1000), take(new Prng(7), 1000));
  const firsts = Array.from({ length: 1000 }, (_, seed) => new Prng(seed).uint32());
  assert.equal(new Set(firsts).size, firsts.length);
});

test("Prng.between() stays in [lo, hi) and reaches both ends", () => {
  const prng = new Prng(3);
  const seen = new Set(Array.from({ length: 1000 }, () => prng.between(10, 20)));
  assert.deepEqual(seen, new Set([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]));
  assert.equal(prng.between(5, 6), 5);
  const wide = Array.from({ length: 1000 }, () => prng.between(0, 0x1_0000_0000));
  assert.ok(wide.every((value) => Number.isInteger(value) && value >= 0 && value < 0x1_0000_0000));
  assert.ok(Math.max(...wide) > 0xf000_0000);
});

test("Prng.between() and each byte of uint32() are uniform", () => {
  const draws = 256_000;
  const prng = new Prng(1);
  const sources: readonly (readonly [string, () => number])[] = [
    ["between", () => prng.between(0, 256)],
    ["byte 0", () => prng.uint32() & 0xff],
    ["byte 1", () => (prng.uint32() >>> 8) & 0xff],
    ["byte 2", () => (prng.uint32() >>> 16) & 0xff],
    ["byte 3", () => prng.uint32() >>> 24],
  ];
  for (const [name, draw] of sources) {
    const seen = new Uint32Array(256);
    for (let at = 0; at < draws; at += 1) {
      const value = draw();
      seen[value] = (seen[value] ?? 0) + 1;
    }
    const expected = draws / 256;
    const chiSquare = seen.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 255 degrees of freedom: the mean is 255, one run in 10,000 lies above 346, one in 10,000
    // below 178.
    assert.ok(chiSquare > 178 && chiSquare < 346, `${name}: chi-square is ${chiSquare}`);
  }
});

test("Prng.chance() is true as often as it is asked to be", () => {
  const prng = new Prng(5);
  for (const ratio of [0, 0.1, 0.5, 1]) {
    let hits = 0;
    for (let at = 0; at < 10_000; at += 1) if (prng.chance(ratio)) hits += 1;
    assert.ok(Math.abs(hits / 10_000 - ratio) <= 0.02, `${ratio} came ${hits} times in 10,000`);
  }
});

test("Prng.incarnation() is a safe integer in [1, 2^48) and does not repeat", () => {
  const prng = new Prng(9);
  const drawn = Array.from({ length: 10_000 }, () => prng.incarnation());
  assert.ok(drawn.every((value) => Number.isSafeInteger(value) && value >= 1 && value < 2 ** 48));
  assert.equal(new Set(drawn).size, drawn.length);
  assert.ok(Math.max(...drawn) > 2 ** 47);
});
