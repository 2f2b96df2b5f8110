import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { MessageChannel } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { ThreadWork, serveFileWork } from "../../../src/log/file-thread.ts";
import { withDir } from "../../fixtures/store-places.ts";

function portsFor(t: TestContext): { near: MessagePort; far: MessagePort } {
  const { port1: near, port2: far } = new MessageChannel();
  t.after(() => near.close());
  return { near, far };
}

test("a write on the thread has ended when the thread says so, and not before", async (t) => {
  const { near, far } = portsFor(t);
  const work = new ThreadWork(near);
  const ended: string[] = [];
  const writes = ["first", "second"].map((name) =>
    work.write(7, new Uint8Array(8), 0).then(() => ended.push(name)),
  );
  await once(far, "message");
  assert.deepEqual(ended, []);
  far.postMessage(0);
  await writes[0];
  assert.deepEqual(ended, ["first"]);
  far.postMessage(0);
  await Promise.all(writes);
  assert.deepEqual(ended, ["first", "second"]);
});

test("a file is written on the thread as it would be here, and its errors keep their codes", async (t) => {
  const { near, far } = portsFor(t);
  serveFileWork(far);
  const work = new ThreadWork(near);
  await withDir(async (dir) => {
    const path = join(dir, "file");
    const fd = await work.open(path, "w", 0o600);
    const bytes = Uint8Array.from({ length: 100 }, (_, at) => at);
    const write = work.write(fd, bytes.subarray(10, 20), 3);
    await Promise.all([write, work.write(fd, bytes.subarray(0, 3), 0)]);
    await work.flush(fd);
    assert.deepEqual([...readFileSync(path)], [0, 1, 2, ...bytes.subarray(10, 20)]);
    await work.close(fd);
    await assert.rejects(work.write(fd, bytes, 0), { code: "EBADF" });
    await assert.rejects(work.open(join(dir, "none"), "r"), { code: "ENOENT" });
  });
});

test("calls fail once the thread is gone", async (t) => {
  const { near, far } = portsFor(t);
  const work = new ThreadWork(near);
  const waiting = work.flush(7);
  far.close();
  await assert.rejects(waiting, /has ended/);
  await assert.rejects(work.flush(7), /has ended/);
});
