/** Benchmarks of idle, restarted, killed and slow nodes, with tiny sizes: that they get through. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { readResult } from "../../bench/lib/read-result.ts";
import type { Point } from "../../bench/lib/result.ts";
import { BenchDisk } from "./bench-process.ts";

const disk = new BenchDisk();
const saved = join(disk.dir, "saved.json");

after(() => disk[Symbol.dispose]());

async function pointsOf(...words: readonly string[]): Promise<readonly Point[]> {
  const { code, stderr } = await disk.run(...words, ...disk.once, "--save", saved);
  assert.equal(code, 0, stderr);
  disk.assertEmpty();
  return (await readResult(saved)).points;
}

function valueOf({ figures }: Point, name: string): number {
  const value = figures[name]?.value;
  assert.ok(value !== undefined, `${name} is not among ${Object.keys(figures).join()}`);
  return value;
}

test("idle groups are measured, with the few frames of their nodes", async () => {
  const words = ["--groups", "30", "--shards", "2", "--seconds", "0.5", "--settle", "0.5"];
  const [point] = await pointsOf("idle", ...words);
  assert.ok(point !== undefined);
  for (const name of ["cpu", "sent", "frames", "residentMemory"]) {
    assert.ok(valueOf(point, name) > 0, name);
  }
  // None once the groups have parked; how soon they do is the machine's matter.
  assert.ok(valueOf(point, "messages") >= 0);
  // Of so few groups less than what else comes and goes on a heap: it may be below zero.
  assert.ok(Number.isFinite(valueOf(point, "heapPerGroup")));
});

test("restarted nodes find their logs, leaders and state again, alone and together", async () => {
  const words = ["--groups", "4", "--entries", "3", "--restarts", "1", "--kill"];
  const points = await pointsOf("restart", ...words);
  assert.deepEqual(
    points.map(({ settings }) => settings["restarted"]),
    ["one node", "all nodes"],
  );
  for (const point of points) {
    assert.ok(valueOf(point, "open") > 0);
    assert.ok(valueOf(point, "allLed") >= valueOf(point, "open"));
    assert.ok(valueOf(point, "allApplied") >= valueOf(point, "open"));
  }
});

test("a killed node's groups are written to again", async () => {
  const load = ["--groups", "9", "--rate", "200", "--seconds", "0.5", "--warm-up", "0"];
  const [point] = await pointsOf("failover", ...load, "--after", "0.5");
  assert.ok(point !== undefined);
  assert.ok(valueOf(point, "groupsLost") > 0);
  assert.ok(valueOf(point, "leaderlessP50") > 0);
  assert.ok(valueOf(point, "leaderlessWorst") >= valueOf(point, "leaderlessP50"));
  assert.ok(valueOf(point, "leastThroughput") <= 100);
});

test("a slow follower is measured before, during and after, and catches up", async () => {
  const load = ["--groups", "4", "--outstanding", "16", "--seconds", "0.4", "--warm-up", "0"];
  const points = await pointsOf("slow-follower", ...load, "--slow", "stop");
  assert.deepEqual(
    points.map(({ settings }) => settings["phase"]),
    ["before", "during", "after"],
  );
  for (const point of points) {
    assert.ok(valueOf(point, "throughput") > 0);
    assert.ok(valueOf(point, "leaderMemory") > 0);
  }
  const [, , last] = points;
  assert.ok(last !== undefined && valueOf(last, "catchUp") > 0);
});

test("a run that is interrupted while a node stands still leaves nothing", async () => {
  const load = ["--groups", "3", "--outstanding", "3", "--seconds", "1", "--warm-up", "0"];
  await disk.interrupt("while n3 is slow", "slow-follower", ...load, ...disk.once);
});
