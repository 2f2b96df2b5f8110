import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeRuns } from "../../../bench/lib/merge-runs.ts";
import { figure } from "../../../bench/lib/result.ts";
import { point, rate } from "./results.ts";

test("a figure's value is the median of its samples, which keep their order", () => {
  assert.equal(figure([3, 1, 2], "ms").value, 2);
  assert.equal(figure([4, 1, 2, 3], "ms").value, 2.5);
  assert.equal(figure([7], "ms").value, 7);
  assert.deepEqual(figure([3, 1, 2], "ms").samples, [3, 1, 2]);
});

test("runs of a benchmark become one measurement with the samples of all", () => {
  const run = (one: number, ten: number): Parameters<typeof mergeRuns>[0][number] => ({
    durability: "strict",
    floors: [point({ floor: "append" }, { rate: rate(one) })],
    points: [
      point({ groups: 1 }, { throughput: rate(one) }),
      point({ groups: 10 }, { throughput: rate(ten) }),
    ],
  });
  const { durability, floors, points } = mergeRuns([run(1, 10), run(3, 30), run(2, 20)]);
  assert.equal(durability, "strict");
  assert.deepEqual(floors, [point({ floor: "append" }, { rate: rate(1, 3, 2) })]);
  assert.deepEqual(points, [
    point({ groups: 1 }, { throughput: rate(1, 3, 2) }),
    point({ groups: 10 }, { throughput: rate(10, 30, 20) }),
  ]);
});

test("remarks of several runs are kept, each once, and a figure may be missing in some", () => {
  const settings = { groups: 1 };
  const { points } = mergeRuns([
    { durability: "strict", points: [{ ...point(settings, { a: rate(1) }), remark: "slow" }] },
    { durability: "strict", points: [point(settings, { a: rate(2), b: rate(5) })] },
    { durability: "strict", points: [{ ...point(settings, { a: rate(3) }), remark: "slow" }] },
  ]);
  assert.deepEqual(points, [
    { settings, figures: { a: rate(1, 2, 3), b: rate(5) }, remark: "slow" },
  ]);
});
