import assert from "node:assert/strict";
import { test } from "node:test";
import { Inflights } from "../../../../src/raft/tracker/inflights.ts";
import { Progress } from "../../../../src/raft/tracker/progress.ts";

function progressAt(match: number, next: number): Progress {
  return new Progress(1, next, match, new Inflights(2, 100));
}

test("Progress starts as a probe that may send one message", () => {
  const progress = progressAt(0, 5);
  assert.deepEqual([progress.state, progress.paused], ["probe", false]);
  progress.sent(7, 10);
  assert.deepEqual([progress.paused, progress.next], [true, 5]);
});

test("Progress.becomeReplicate() goes on after the last match and sends until the window is full", () => {
  const progress = progressAt(3, 9);
  progress.becomeReplicate();
  assert.equal(progress.next, 4);
  progress.sent(5, 10);
  assert.deepEqual([progress.next, progress.paused], [6, false]);
  progress.sent(8, 10);
  assert.deepEqual([progress.next, progress.paused], [9, true]);
});

test("Progress.becomeProbe() takes back what was sent and not acknowledged", () => {
  const progress = progressAt(3, 4);
  progress.becomeReplicate();
  progress.sent(8, 10);
  progress.commitSent = 3;
  progress.becomeProbe();
  assert.deepEqual([progress.next, progress.inflights.count, progress.commitSent], [4, 0, 0]);
  assert.equal(progress.paused, false);
});

test("Progress.becomeSnapshot() sends nothing", () => {
  const progress = progressAt(0, 1);
  progress.becomeSnapshot();
  assert.equal(progress.paused, true);
});

test("Progress.sent() of an empty message takes no room in the window", () => {
  const progress = progressAt(3, 4);
  progress.becomeReplicate();
  progress.sent(3, 0);
  assert.deepEqual([progress.next, progress.inflights.count], [4, 0]);
});

test("Progress.maybeUpdate() raises match and next, and ignores an outdated index", () => {
  const progress = progressAt(3, 4);
  assert.equal(progress.maybeUpdate(7), true);
  assert.deepEqual([progress.match, progress.next], [7, 8]);
  assert.equal(progress.maybeUpdate(7), false);
  assert.equal(progress.maybeUpdate(5), false);
  assert.deepEqual([progress.match, progress.next], [7, 8]);
});

test("Progress.maybeDecrease() of a probe goes to the entry after the hint, never up and never below the match", () => {
  const cases: readonly (readonly [number, number, number])[] = [
    [9, 5, 6],
    [9, 9, 9],
    [9, 20, 9],
    [9, 0, 3],
  ];
  for (const [rejected, hint, next] of cases) {
    const progress = progressAt(2, 10);
    progress.sent(12, 10);
    assert.equal(progress.maybeDecrease(rejected, hint), true);
    assert.deepEqual([progress.next, progress.paused], [next, false]);
  }
});

test("Progress.maybeDecrease() ignores the rejection of a message that is not the one in flight", () => {
  const progress = progressAt(2, 10);
  progress.sent(12, 10);
  assert.equal(progress.maybeDecrease(8, 1), false);
  assert.deepEqual([progress.next, progress.paused], [10, true]);
});

test("Progress.maybeDecrease() while replicating ignores what is known to match", () => {
  const progress = progressAt(5, 6);
  progress.becomeReplicate();
  progress.sent(9, 10);
  assert.equal(progress.maybeDecrease(5, 1), false);
  assert.equal(progress.next, 10);
  assert.equal(progress.maybeDecrease(9, 1), true);
  assert.equal(progress.next, 6);
});

test("Progress refuses to begin with a match that is not below next", () => {
  assert.throws(() => progressAt(5, 5), /match < next/);
});
