import assert from "node:assert/strict";
import { test } from "node:test";
import {
  SlowDown,
  describeSlowness,
  slownessArgument,
} from "../../../bench/lib/cluster/slow-down.ts";
import type { Slowness } from "../../../bench/lib/cluster/slow-down.ts";

function slowed(slowness: Slowness): { signals: string[]; slowDown: SlowDown } {
  const signals: string[] = [];
  const slowDown = new SlowDown({ signal: (signal) => signals.push(signal) }, slowness);
  return { signals, slowDown };
}

test("slownessArgument() takes a part of a period, or all of it", () => {
  const some = slownessArgument("90/100");
  assert.deepEqual(some, { stoppedMs: 90, periodMs: 100 });
  assert.equal(describeSlowness(some), "90/100 ms");
  assert.equal(describeSlowness(slownessArgument("stop")), "stop");
});

test("slownessArgument() says what is wrong", () => {
  for (const text of ["", "90", "100/100", "0/100", "-1/10", "1/2/3", "1/60001", "stopped"]) {
    assert.throws(() => slownessArgument(text), /must be "stop", or like 90\/100/, text);
  }
});

test("SlowDown stops the process for its part of each period and lets it run at the end", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { signals, slowDown } = slowed({ stoppedMs: 90, periodMs: 100 });
  assert.deepEqual(signals, ["SIGSTOP"]);
  t.mock.timers.tick(90);
  assert.deepEqual(signals, ["SIGSTOP", "SIGCONT"]);
  t.mock.timers.tick(10);
  assert.deepEqual(signals, ["SIGSTOP", "SIGCONT", "SIGSTOP"]);
  slowDown[Symbol.dispose]();
  t.mock.timers.tick(1_000);
  assert.deepEqual(signals, ["SIGSTOP", "SIGCONT", "SIGSTOP", "SIGCONT"]);
});

test("SlowDown stops the process once and for all where it is to stand still", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { signals, slowDown } = slowed("stop");
  t.mock.timers.tick(1_000_000);
  assert.deepEqual(signals, ["SIGSTOP"]);
  slowDown[Symbol.dispose]();
  assert.deepEqual(signals, ["SIGSTOP", "SIGCONT"]);
});
