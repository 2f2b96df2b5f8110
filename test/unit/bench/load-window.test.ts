import assert from "node:assert/strict";
import { test } from "node:test";
import { sumOfWindows } from "../../../bench/lib/cluster/load-window.ts";
import type { NodeWindow } from "../../../bench/lib/cluster/node-messages.ts";
import { Latencies } from "../../../bench/lib/latencies.ts";
import type { LoadTaken } from "../../../bench/lib/load/load.ts";

function loadOf(done: number, reads: number, ms: number): LoadTaken {
  const [writes, others] = [new Latencies(), new Latencies()];
  writes.record(ms, done - reads);
  return {
    done,
    reads,
    failed: { ERR_BUSY: 1 },
    unknown: 1,
    writeLatencies: writes.encode(),
    readLatencies: others.encode(),
    sendDelays: others.encode(),
  };
}

function windowOf(atMs: number, load: LoadTaken | undefined, counted: number): NodeWindow {
  const counters = {
    cpuMicros: counted,
    commits: counted,
    flushes: counted,
    bytesWritten: counted,
    bytesStored: counted,
    framesSent: counted,
    bytesSent: counted,
    messagesSent: counted,
    rounds: counted,
    leaders: counted,
  };
  return { atMs, load, counters, rssPeakBytes: 1_000 + counted };
}

test("a window adds up what the nodes did, each in its own time", () => {
  const before = new Map([
    ["n1", windowOf(0, loadOf(999, 0, 1), 10)],
    ["n2", windowOf(5_000, loadOf(999, 0, 1), 100)],
    ["n3", windowOf(0, undefined, 1_000)],
  ]);
  const after = new Map([
    ["n1", windowOf(1_000, loadOf(100, 40, 2), 11)],
    ["n2", windowOf(7_000, loadOf(400, 0, 8), 102)],
    ["n3", windowOf(3_000, undefined, 1_003)],
  ]);
  const window = sumOfWindows(before, after);
  assert.equal(window.done, 500);
  assert.equal(window.perSecond, 100 + 200);
  assert.equal(window.readsPerSecond, 40);
  assert.deepEqual(window.failed, { ERR_BUSY: 2 });
  assert.equal(window.unknown, 2);
  assert.equal(window.rssPeakBytes, 1_102, "of the loaded nodes");
  assert.equal(window.writeLatencies.count, 460);
  assert.equal(window.used.cpuMicros, 1 + 2 + 3);
  assert.equal(Math.round(window.seconds), 2);
});

test("a node that was not there at the beginning is left out", () => {
  const window = sumOfWindows(new Map(), new Map([["n1", windowOf(1, loadOf(5, 0, 1), 1)]]));
  assert.equal(window.done, 0);
  assert.equal(window.perSecond, 0);
});
