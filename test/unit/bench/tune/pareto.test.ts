import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { paretoFront } from "../../../../bench/tune/pareto.ts";

test("the front holds what nothing beats in both, from the least latency up", () => {
  const at = (throughput: number, p99Ms: number): { throughput: number; p99Ms: number } => ({
    throughput,
    p99Ms,
  });
  const points = [at(100, 1), at(50, 2), at(300, 9), at(200, 4), at(200, 5), at(300, 8), at(90, 1)];
  assert.deepEqual(paretoFront(points), [at(100, 1), at(200, 4), at(300, 8)]);
  assert.deepEqual(paretoFront([]), []);
});

test("a point is on the front exactly where none is better in one and no worse in the other", () => {
  const point = fc.record({ throughput: fc.nat({ max: 9 }), p99Ms: fc.nat({ max: 9 }) });
  fc.assert(
    fc.property(fc.array(point), (points) => {
      const front = paretoFront(points);
      for (const one of points) {
        const beaten = points.some(
          ({ throughput, p99Ms }) =>
            throughput >= one.throughput &&
            p99Ms <= one.p99Ms &&
            (throughput > one.throughput || p99Ms < one.p99Ms),
        );
        const held = front.some(
          ({ throughput, p99Ms }) => throughput === one.throughput && p99Ms === one.p99Ms,
        );
        assert.equal(held, !beaten);
      }
    }),
  );
});
