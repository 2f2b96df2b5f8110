import assert from "node:assert/strict";
import { test } from "node:test";
import type { Positions } from "../../../src/cli/demo/messages.ts";
import { sameIndexes, standStill } from "../../../src/cli/demo/positions.ts";

function at(last: number, commit = last, applied = commit): Positions {
  const of = (index: number): Float64Array => Float64Array.of(7, index);
  return { last: of(last), commit: of(commit), applied: of(applied) };
}

test("replicas stand still when every entry is committed and applied on each of them", () => {
  assert.equal(standStill([at(9), at(9), at(9)]), true);
  assert.equal(standStill([at(9), at(9, 9, 8), at(9)]), false, "one has to apply an entry");
  assert.equal(standStill([at(9), at(9, 8), at(9)]), false, "one has to learn the commit index");
  assert.equal(standStill([at(9), at(8), at(9)]), false, "one has to get an entry");
});

test("restarted replicas that agree on an old commit index do not stand still", () => {
  assert.equal(standStill([at(2852, 2837), at(2852, 2837), at(2852, 2837)]), false);
});

test("lists of indexes differ where one group's index differs", () => {
  assert.equal(sameIndexes([[1, 2], Float64Array.of(1, 2)]), true);
  assert.equal(
    sameIndexes([
      [1, 2],
      [1, 3],
    ]),
    false,
  );
  assert.equal(sameIndexes([[1, 2], [1]]), false);
  assert.equal(sameIndexes([]), true);
});
