import assert from "node:assert/strict";
import { test } from "node:test";
import { Tally } from "../../../bench/lib/load/tally.ts";
import { RaftError } from "../../../src/index.ts";

const lost = new RaftError("ERR_LEADERSHIP_LOST", "lost");
const busy = new RaftError("ERR_BUSY", "busy");

test("a tally tells calls that failed without effect from those that nobody knows of", () => {
  const tally = new Tally();
  tally.fail(busy, 3);
  tally.fail(lost, 2);
  tally.fail(lost.withOutcome("none"), 1);
  tally.written([{ index: 1, value: new Uint8Array() }, lost], 2);
  const { done, failed, unknown } = tally.take();
  assert.deepEqual(
    { done, failed, unknown },
    {
      done: 1,
      failed: { ERR_BUSY: 3, ERR_LEADERSHIP_LOST: 4 },
      unknown: 3,
    },
  );
  assert.equal(tally.take().unknown, 0, "what was taken is not counted again");
});

test("a tally does not swallow what is no error of the engine", () => {
  assert.throws(() => new Tally().fail(new TypeError("a bug"), 1), /a bug/);
});
