import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { test } from "node:test";
import { formatNumber } from "../../../bench/lib/number-format.ts";
import { figure } from "../../../bench/lib/result.ts";
import { describeResult } from "../../../bench/lib/result-table.ts";
import { point, rate, result } from "./results.ts";

test("numbers have three digits, and thousands are told apart", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0"],
    [1_234_567.8, "1,234,568"],
    [999.6, "1000"],
    [123.4, "123"],
    [12.34, "12.3"],
    [1.234, "1.23"],
    [0.001_234_5, "0.00123"],
    [-12.34, "-12.3"],
    [Number.NaN, "–"],
    [Number.POSITIVE_INFINITY, "–"],
  ];
  for (const [value, text] of cases) assert.equal(formatNumber(value), text);
});

test("a result says once what is the same in all its points", () => {
  const points = [1, 1_000].map((groups) =>
    point(
      { groups, machine: "kv" },
      { throughput: rate(100, 120), p999: figure([0], "ms", "lower"), cpu: figure([3], "us") },
    ),
  );
  const [first, second] = points;
  assert.ok(first !== undefined && second !== undefined);
  const text = stripVTControlCharacters(
    describeResult(result([first, { ...second, remark: "a call failed" }])),
  );
  assert.match(text, /^machine kv$/m);
  assert.match(text, /│ +1,000 │ +110 ±9 % │ +0 │ +3\.00 │/);
  assert.match(text, /p99\.9,/);
  assert.match(text, /µs/);
  assert.match(text, /^groups 1000: a call failed$/m);
  assert.match(text, /Medians of 2 runs/);
});

test("no table is wider than 120 columns: a wider one becomes several, each with the settings", () => {
  const names = Array.from({ length: 30 }, (_, at) => `figure${at}`);
  const figures = Object.fromEntries(names.map((name) => [name, rate(1e9, 2e9)]));
  const points = [1, 2].map((groups) => point({ groups }, figures));
  const text = stripVTControlCharacters(describeResult(result(points)));
  const tables = text.split("\n").filter((line) => /^[┌│├└]/.test(line));
  for (const line of tables) assert.ok(line.length <= 120, `${line.length} columns`);
  for (const name of names) assert.match(text, new RegExp(`\\b${name}\\b`));
  assert.ok(text.split("groups").length > 2, "each table tells its points apart");
});

test("floors that differ by more than a third between runs are remarked on", () => {
  const floorsOf = (...samples: readonly number[]): string =>
    describeResult(
      result([], { floors: [point({ floor: "append" }, { rate: rate(...samples) })] }),
    );
  assert.match(floorsOf(100, 150), /floors differ by up to 40 % between runs/);
  assert.doesNotMatch(floorsOf(100, 130), /floors differ/);
});
