import assert from "node:assert/strict";
import { test } from "node:test";
import { OwnCommits } from "../../../src/log/own-commits.ts";

test("a disk is trusted until it stalls, and again after a hundred transactions for each millisecond of it", () => {
  const commits = new OwnCommits(10);
  for (let at = 0; at < 1_000; at += 1) commits.took(9);
  assert.ok(commits.trusted);
  commits.took(10);
  for (let at = 0; at < 999; at += 1) commits.took(0);
  assert.ok(!commits.trusted);
  // A shorter stall does not end the distrust of a longer one.
  commits.took(30);
  commits.took(10);
  for (let at = 0; at < 2_998; at += 1) commits.took(9);
  assert.ok(!commits.trusted);
  commits.took(9);
  assert.ok(commits.trusted);
});
