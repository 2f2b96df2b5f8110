/** One process whose disk hangs under all its shards. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { whyNotBuildable } from "../native/build.ts";
import { FailingDisk } from "../native/failing-disk.ts";
import { skipWithout } from "../native/skip-without.ts";
import type { HungDiskReport } from "./fixtures/hung-disk-engine.ts";

const program = new URL("./fixtures/hung-disk-engine.js", import.meta.url).pathname;
const deadlineMs = 60_000;

for (const store of ["segments", "lmdb"] as const) {
  test(`${store}: while the disk hangs under four shards, all is answered that needs no disk, and the process goes on using files and keys`, async (t) => {
    if (skipWithout(t, whyNotBuildable())) return;
    using disk = new FailingDisk();
    const child = spawn(process.execPath, [program, disk.dir, store], {
      env: { ...process.env, ...disk.environment },
      stdio: ["pipe", "pipe", "inherit"],
    });
    t.after(() => child.kill("SIGKILL"));
    const ended = once(child, "exit");
    const lines = createInterface({ input: child.stdout });
    const nextLine = async (): Promise<string> => {
      const signal = AbortSignal.timeout(deadlineMs);
      const [line] = await Promise.race([
        once(lines, "line", { signal }),
        ended.then(([code]) => Promise.reject(new Error(`the process has ended: ${code}`))),
      ]);
      return line;
    };
    // A write of a segment is its flush.
    const hang = (): void =>
      disk.fail({ action: "hang", kind: store === "lmdb" ? "flush" : "write" });
    while ((await nextLine()) === "write") {
      hang();
      child.stdin.write("hung\n");
      assert.equal(await nextLine(), "stalled");
      disk.recover();
      child.stdin.write("sound\n");
    }
    hang();
    child.stdin.write("hung\n");
    const report: HungDiskReport = JSON.parse(await nextLine());
    assert.deepEqual(report.texts, ["before", "before", "before", "before"]);
    assert.deepEqual(report.roles, ["leader", "leader", "leader", "leader"]);
    assert.deepEqual(report.codes, ["ERR_GROUP_NOT_FOUND", "ERR_TIMEOUT"]);
    assert.equal(report.shardsInStats, 4);
    assert.ok(report.ownBytes.every((bytes) => bytes > 0));
    assert.equal(report.exited, "ERR_SHARD_CRASHED");
    disk.recover();
    child.stdin.write("sound\n");
    assert.equal(await nextLine(), "done");
    await ended;
  });
}
