import assert from "node:assert/strict";
import { test } from "node:test";
import { callersOf } from "../../../bench/lib/load/callers.ts";

test("callersOf() shares the victim's groups among the others, who call their own as well", () => {
  const callers = callersOf(9, ["n1", "n2", "n3"], "n3");
  assert.deepEqual(
    [...callers],
    [
      ["n1", [0, 2, 3, 6, 8]],
      ["n2", [1, 4, 5, 7]],
    ],
  );
});

test("callersOf() gives every group one caller", () => {
  const callers = callersOf(101, ["n1", "n2", "n3", "n4", "n5"], "n2");
  const called = [...callers.values()].flat().sort((a, b) => a - b);
  assert.deepEqual(called, [...Array(101).keys()]);
  assert.equal(callers.has("n2"), false);
});
