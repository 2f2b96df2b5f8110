import assert from "node:assert/strict";
import { test } from "node:test";
import { compareResults } from "../../../bench/lib/compare.ts";
import type { ComparedFigure } from "../../../bench/lib/compare.ts";
import { figure } from "../../../bench/lib/result.ts";
import type { Figure } from "../../../bench/lib/result.ts";
import { point, rate, result } from "./results.ts";

function compareOne(a: Figure, b: Figure): ComparedFigure {
  const [a1, b1] = [a, b].map((one) => result([point({ groups: 1 }, { it: one })]));
  assert.ok(a1 !== undefined && b1 !== undefined);
  const compared = compareResults(a1, b1).points[0]?.figures[0];
  assert.ok(compared !== undefined);
  return compared;
}

test("a ratio is that of the medians, and its spread that of all runs", () => {
  const { a, b, ratio, low, high } = compareOne(rate(90, 100, 110), rate(190, 200, 240));
  assert.deepEqual([a, b, ratio], [100, 200, 2]);
  assert.equal(low, 190 / 110);
  assert.equal(high, 240 / 90);
});

test("a verdict holds only where every run agrees with it", () => {
  const time = (...samples: number[]): Figure => figure(samples, "ms", "lower");
  const count = (...samples: number[]): Figure => figure(samples, "");
  const cases: readonly (readonly [Figure, Figure, string])[] = [
    [rate(100, 110), rate(111, 120), "better"],
    [rate(100, 110), rate(80, 99), "worse"],
    [rate(100, 110), rate(109, 120), "unclear"],
    [rate(100, 110), rate(110, 120), "unclear"],
    [time(10, 11), time(8, 9), "better"],
    [time(10, 11), time(12, 13), "worse"],
    [rate(100), rate(200, 210), "unclear"],
    [rate(100, 110), rate(200), "unclear"],
    [time(0, 0), time(0, 0), "even"],
    [count(1, 2), count(3, 4), ""],
  ];
  for (const [a, b, verdict] of cases) {
    const text = `${a.samples.join()} against ${b.samples.join()}`;
    assert.equal(compareOne(a, b).verdict, verdict, text);
  }
});

test("points are matched by their settings, in whatever order they were named", () => {
  const a = result([
    point({ groups: 1, valueBytes: 16 }, { throughput: rate(1) }),
    point({ groups: 2, valueBytes: 16 }, { throughput: rate(2) }),
  ]);
  const b = result([
    point({ valueBytes: 16, groups: 2 }, { throughput: rate(4), onlyHere: rate(1) }),
    point({ valueBytes: 16, groups: 3 }, { throughput: rate(3) }),
  ]);
  const { points, onlyInA, onlyInB } = compareResults(a, b);
  assert.deepEqual(
    points.map(({ settings }) => settings),
    [{ groups: 2, valueBytes: 16 }],
  );
  assert.deepEqual(
    points[0]?.figures.map(({ name, ratio }) => [name, ratio]),
    [["throughput", 2]],
  );
  assert.deepEqual(
    onlyInA.map(({ settings }) => settings["groups"]),
    [1],
  );
  assert.deepEqual(
    onlyInB.map(({ settings }) => settings["groups"]),
    [3],
  );
});

test("what makes a comparison doubtful is said, and what does not is not", () => {
  const a = result([], { options: { repeat: 2, dir: "/a", seconds: 5 } });
  const machine = { ...a.machine, disk: "xfs on /dev/sda" };
  const b = result([], { machine, options: { repeat: 3, dir: "/b", seconds: 1 } });
  assert.deepEqual(compareResults(a, b).doubts, [
    "measured on different machines: disk ext4 on /dev/vda, xfs on /dev/sda",
    "run with different options: seconds 5, 1",
  ]);
});

test("results of different benchmarks are not compared", () => {
  assert.throws(
    () => compareResults(result([]), result([], { bench: "latency" })),
    /A is a result of throughput and B of latency/,
  );
});
