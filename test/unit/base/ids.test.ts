import assert from "node:assert/strict";
import { test } from "node:test";
import {
  describeNodeIdFault,
  groupIdMax,
  isGroupId,
  isNodeId,
  nobody,
} from "../../../src/base/index.ts";

test("isGroupId() accepts the integers from 0 to 2^32 - 1 and nothing else", () => {
  for (const id of [0, 1, 0x8000_0000, groupIdMax]) assert.equal(isGroupId(id), true, String(id));
  const wrong: readonly unknown[] = [
    -1,
    groupIdMax + 1,
    0.5,
    Number.NaN,
    Infinity,
    "1",
    1n,
    null,
    undefined,
  ];
  for (const id of wrong) assert.equal(isGroupId(id), false, String(id));
  assert.equal(groupIdMax, 2 ** 32 - 1);
});

test("isNodeId() accepts 1 to 64 characters of [A-Za-z0-9._-] and nothing else", () => {
  for (const id of ["a", "node-1", "eu.west_2", "0", "N".repeat(64)]) {
    assert.equal(isNodeId(id), true, id);
    assert.equal(describeNodeIdFault(id), undefined, id);
  }
  const wrong: readonly unknown[] = [
    "",
    "a b",
    "é",
    "a/b",
    "a:1",
    "a\n",
    "N".repeat(65),
    7,
    null,
    undefined,
    {},
  ];
  for (const id of wrong) assert.equal(isNodeId(id), false, String(id));
});

test("describeNodeIdFault() shows the value that was given", () => {
  assert.match(describeNodeIdFault("a b") ?? "", /1 to 64 characters.*got "a b"/);
  assert.match(describeNodeIdFault(undefined) ?? "", /got undefined/);
});

test("nobody is not a key that a node can have", () => {
  assert.equal(nobody, 0);
});
