import assert from "node:assert/strict";
import { test } from "node:test";
import { DiskWindow } from "../../../src/shard/disk-window.ts";

test("DiskWindow admits what lies near the lowest position asked for in the last turn", () => {
  const window = new DiskWindow();
  window.turn(8);
  for (const position of [90, 41, 42]) window.admits(position);
  window.turn(8);
  assert.deepEqual(
    [41, 42, 48, 49, 90].map((position) => window.admits(position)),
    [true, true, true, false, false],
  );
});

test("DiskWindow reaches every reader in the end, also those far ahead", () => {
  const window = new DiskWindow();
  const waiting = new Set([5, 60, 400]);
  let turns = 0;
  while (waiting.size > 0) {
    window.turn(8);
    for (const position of waiting) if (window.admits(position)) waiting.delete(position);
    turns += 1;
    assert.ok(turns < 10, "the window moves on when the lowest reader is done");
  }
});

test("DiskWindow forgets a reader that asks no more", () => {
  const window = new DiskWindow();
  window.turn(8);
  window.admits(5);
  window.turn(8);
  assert.equal(window.admits(400), false);
  window.turn(8);
  assert.equal(window.admits(400), true);
});
