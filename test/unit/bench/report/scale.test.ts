import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { scaleFor } from "../../../../bench/report/scale.ts";

test("values of one size have a linear axis from zero, of many sizes a logarithmic one", () => {
  assert.deepEqual(scaleFor([3, 11], {}), {
    log: false,
    min: 0,
    max: 12,
    ticks: [0, 2, 4, 6, 8, 10, 12],
  });
  assert.deepEqual(scaleFor([3, 110], {}).ticks, [2, 5, 10, 20, 50, 100, 200]);
  assert.deepEqual(
    scaleFor([16, 1_024], { bytes: true }).ticks,
    [16, 32, 64, 128, 256, 512, 1_024],
  );
});

test("every value lies within the axis, which begins and ends on a tick and has few of them", () => {
  const values = fc.array(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), { minLength: 1 });
  fc.assert(
    fc.property(values, fc.boolean(), fc.boolean(), (some, bytes, bars) => {
      const { min, max, ticks } = scaleFor(some, { bytes, bars });
      assert.ok(Math.min(...some) >= min * 0.999_999 && Math.max(...some) <= max * 1.000_001);
      assert.equal(ticks[0], min);
      assert.equal(ticks.at(-1), max);
      assert.ok(ticks.length >= 2 && ticks.length <= 12, `${ticks.length} ticks`);
    }),
  );
});
