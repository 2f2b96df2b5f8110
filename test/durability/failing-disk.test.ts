/**
 * A store on a failing disk: the failure is told once to every commit in flight, and nothing is
 * tried again.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { makeTempDir } from "../fixtures/store-places.ts";
import type { FailingDiskReport } from "./failing-disk-writer.ts";
import { whyNotTraceable } from "./syscall-trace.ts";

const obstacle = whyNotTraceable();
const writer = new URL("./failing-disk-writer.js", import.meta.url).pathname;

/** Runs the writer; from the nth call on, `syscall` fails with `error`. */
function runOn(fault: string, durability: string): FailingDiskReport {
  const dir = makeTempDir();
  try {
    const tracer = ["-f", "-o", "/dev/null", "-e", `inject=${fault}`];
    const program = [process.execPath, writer, JSON.stringify({ dir, kind: "lmdb", durability })];
    const child = spawnSync("strace", [...tracer, ...program], {
      encoding: "utf8",
      timeout: 30_000,
    });
    assert.equal(child.status, 0, `${child.signal} ${child.stderr}`);
    return JSON.parse(child.stdout);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

for (const durability of ["strict", "pipelined"]) {
  // The first flush is of `open`, the next ones of commits.
  test(`a failed flush kills a ${durability} store for good`, async (t) => {
    if (obstacle !== undefined) return t.diagnostic(obstacle);
    const report = runOn("fdatasync:error=EIO:when=9+", durability);
    assert.ok(report.resolved.length > 0, JSON.stringify(report));
    assert.ok(report.resolved.length < 10, JSON.stringify(report));
    const rejected = Array.from(
      { length: 10 - report.resolved.length },
      (_, at) => at + report.resolved.length + 1,
    );
    assert.deepEqual(report.rejected, rejected);
    assert.deepEqual(report.codes, ["ERR_STORE_FAILED"]);
    assert.ok(report.closed);
  });

  test(`a ${durability} store that failed once refuses although the disk works again`, async (t) => {
    if (obstacle !== undefined) return t.diagnostic(obstacle);
    const report = runOn("fdatasync:error=EIO:when=9", durability);
    assert.equal(report.resolved.length + report.rejected.length, 10);
    assert.equal(report.rejected.at(-1), 10);
    assert.ok(report.closed);
  });
}
