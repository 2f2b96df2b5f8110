import assert from "node:assert/strict";
import { test } from "node:test";
import { LaneWatch } from "../../../src/transport/lane-watch.ts";

/** The verdicts of so many turns. */
function turns(watch: LaneWatch, count: number): string[] {
  return Array.from({ length: count }, () => watch.turn());
}

test("a lane is probed in each turn without a word, and lost in the fourth", () => {
  const watch = new LaneWatch();
  assert.deepEqual(turns(watch, 5), ["quiet", "probe", "probe", "probe", "lost"]);
});

test("one word starts the count anew", () => {
  const watch = new LaneWatch();
  turns(watch, 4);
  watch.heard();
  assert.deepEqual(turns(watch, 5), ["quiet", "probe", "probe", "probe", "lost"]);
});

test("a lane in doubt has half the time, and is as good as any other once it has answered", () => {
  const watch = new LaneWatch();
  watch.suspect();
  assert.deepEqual(turns(watch, 3), ["probe", "probe", "lost"]);
  watch.suspect();
  watch.heard();
  assert.deepEqual(turns(watch, 2), ["quiet", "probe"]);
});
