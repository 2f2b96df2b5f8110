import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { DirectoryLock } from "../../../src/engine/directory-lock.ts";
import { skipWithout } from "../../native/skip-without.ts";

const locker = fileURLToPath(new URL("../../fixtures/directory-locker.js", import.meta.url));
const refused = /^ERR_DATA_DIR_LOCKED /;

function tempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "flotilla.lock-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** A process that locks directories, perhaps started by a command. */
function lockerProcess(t: TestContext, prefix: readonly string[] = []): ChildProcess {
  const [command, ...rest] = [...prefix, process.execPath, locker];
  assert.ok(command !== undefined);
  const child = spawn(command, rest, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

async function ask(child: ChildProcess, dir: string): Promise<string> {
  const answered = once(child, "message", { signal: AbortSignal.timeout(20_000) });
  child.send(dir);
  return String((await answered)[0]);
}

async function endOf(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit", { signal: AbortSignal.timeout(20_000) });
}

const locked = { code: "ERR_DATA_DIR_LOCKED", outcome: "none" };

test("of several processes that race for a directory one gets it, each time", async (t) => {
  const dir = tempDir(t);
  const racers = [lockerProcess(t), lockerProcess(t), lockerProcess(t)];
  // What owners of any kind leave behind: the number of a process that is gone, the racer's own,
  // that of a process that lives, a text cut short.
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  const stale = [
    undefined,
    `process ${pid} on host here\n`,
    `${racers[0]?.pid} 1\n`,
    `process ${process.pid} on host here\n`,
    "",
  ];
  for (let round = 0; round < 200; round += 1) {
    const path = join(dir, String(round));
    const text = stale[round % stale.length];
    mkdirSync(path);
    if (text !== undefined) writeFileSync(join(path, "lock"), text);
    const answers = await Promise.all(racers.map((racer) => ask(racer, path)));
    const refusals = answers.filter((answer) => refused.test(answer));
    assert.equal(refusals.length, racers.length - 1, `round ${round}: ${answers.join("; ")}`);
    assert.ok(answers.includes("locked"), `round ${round}: ${answers.join("; ")}`);
    await Promise.all(racers.map((racer) => ask(racer, "")));
  }
});

test("a directory stays locked until its process ends, and the message names it", async (t) => {
  const dir = tempDir(t);
  const [owner, other] = [lockerProcess(t), lockerProcess(t)];
  assert.equal(await ask(owner, dir), "locked");
  assert.match(await ask(other, dir), new RegExp(`open in process ${owner.pid} on host`));
  await assert.rejects(DirectoryLock.take(dir), locked);
  assert.equal(await ask(owner, ""), "released");
  assert.equal(await ask(owner, dir), "locked", "a lock is free after its release");
  await endOf(owner);
  assert.equal(await ask(other, dir), "locked", "a lock is free after its process");
});

test("a directory has one owner across pid namespaces, in both directions", async (t) => {
  const unshare = ["unshare", "--pid", "--fork", "--kill-child"];
  const { status, stderr } = spawnSync("unshare", [...unshare.slice(1), "true"]);
  if (skipWithout(t, status === 0 ? undefined : `no pid namespaces: ${String(stderr)}`)) return;
  const dir = tempDir(t);
  const [outside, inside] = [lockerProcess(t), lockerProcess(t, unshare)];
  assert.equal(await ask(outside, dir), "locked");
  assert.match(await ask(inside, dir), refused);
  await ask(outside, "");
  assert.equal(await ask(inside, dir), "locked");
  assert.match(await ask(outside, dir), /open in process \d+ on host/);
});

test("a directory has one owner in a process, by any path, link or copy of the module", async (t) => {
  const base = tempDir(t);
  const dir = join(base, "dir");
  mkdirSync(dir);
  symlinkSync(dir, join(base, "link"));
  const owner = await DirectoryLock.take(dir);
  const here = { ...locked, message: new RegExp(`open in this process, ${process.pid}`) };
  for (const path of [dir, join(base, "link"), `${base}/link/../dir/.`]) {
    await assert.rejects(DirectoryLock.take(path), here, path);
  }
  const copyUrl = new URL("../../../src/engine/directory-lock.js?copy", import.meta.url);
  const copy: { DirectoryLock: typeof DirectoryLock } = await import(copyUrl.href);
  assert.notEqual(copy.DirectoryLock, DirectoryLock);
  await assert.rejects(copy.DirectoryLock.take(dir), here);
  // Moved, it is the same directory still.
  renameSync(dir, join(base, "moved"));
  await assert.rejects(DirectoryLock.take(join(base, "moved")), here);
  owner.release();
  const next = await copy.DirectoryLock.take(join(base, "moved"));
  // The former owner has nothing left to release.
  owner.release();
  await assert.rejects(DirectoryLock.take(join(base, "moved")), here);
  next.release();
});

test("a worker thread does not get the directory of its process, which gets that of an ended one", async (t) => {
  const dir = tempDir(t);
  const owner = await DirectoryLock.take(dir);
  const worker = new Worker(locker);
  t.after(() => worker.terminate());
  const askWorker = async (path: string): Promise<string> => {
    const answered = once(worker, "message", { signal: AbortSignal.timeout(20_000) });
    worker.postMessage(path);
    return String((await answered)[0]);
  };
  assert.match(await askWorker(dir), new RegExp(`LOCKED .* open in process ${process.pid} on`));
  owner.release();
  assert.equal(await askWorker(dir), "locked");
  await assert.rejects(DirectoryLock.take(dir), locked);
  await worker.terminate();
  (await DirectoryLock.take(dir)).release();
});

test("a lock file that is deleted while its owner lives does not end the owner's process table", async (t) => {
  const dir = tempDir(t);
  const owner = await DirectoryLock.take(dir);
  unlinkSync(join(dir, "lock"));
  await assert.rejects(DirectoryLock.take(dir), locked);
  owner.release();
  const next = await DirectoryLock.take(dir);
  assert.match(readFileSync(join(dir, "lock"), "utf8"), /^process \d+ on host \S+\n$/);
  next.release();
});
