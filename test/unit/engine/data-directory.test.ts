import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { DataDirectory } from "../../../src/engine/data-directory.ts";

const owner = { cluster: "test", node: "a", shards: 2 };

function tempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "flotilla.dir-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

function open(dir: string, more: Partial<typeof owner> = {}): DataDirectory {
  return DataDirectory.open(dir, { ...owner, ...more }, () => 4_711);
}

/** Fails to open, and leaves no lock behind. */
function refuses(dir: string, error: object, more: Partial<typeof owner> = {}): void {
  assert.throws(() => open(dir, more), error);
  assert.ok(!existsSync(join(dir, "lock")), "no lock is left");
}

test("a new directory gets an identity that it keeps", (t) => {
  const dir = join(tempDir(t), "deep", "down");
  const first = open(dir);
  assert.equal(first.incarnation, 4_711);
  first.close();
  const again = DataDirectory.open(dir, owner, () => 1);
  assert.equal(again.incarnation, 4_711);
  assert.equal(again.shardPath(1), join(dir, "shard-1"));
  again.close();
  assert.ok(!existsSync(join(dir, "lock")));
});

test("a directory of another node or cluster is refused, with both names", (t) => {
  const dir = tempDir(t);
  open(dir).close();
  const foreign = {
    code: "ERR_DATA_DIR_FOREIGN",
    outcome: "none",
    message: /node a of cluster test/,
  };
  refuses(dir, foreign, { node: "b" });
  refuses(dir, foreign, { cluster: "other" });
  open(dir).close();
});

test("another number of shards is refused, with the one that it has", (t) => {
  const dir = tempDir(t);
  open(dir).close();
  refuses(dir, { code: "ERR_OPTION_INVALID", message: /shards must be 2/ }, { shards: 3 });
});

test("a newer format is refused", (t) => {
  const dir = tempDir(t);
  open(dir).close();
  const file = join(dir, "node.json");
  writeFileSync(file, readFileSync(file, "utf8").replace('"format": 1', '"format": 2'));
  refuses(dir, { code: "ERR_DATA_DIR_VERSION", message: /format 2; this version knows up to 1/ });
});

test("a damaged node.json is never taken for a new directory", (t) => {
  const dir = tempDir(t);
  for (const text of ["", "{", "null", "[]", '{"format":1}', '{"format":"1","cluster":"test"}']) {
    writeFileSync(join(dir, "node.json"), text);
    refuses(dir, { code: "ERR_STORE_CORRUPT", message: /node\.json is damaged/ });
  }
});

test("a path that cannot be a directory is refused", (t) => {
  const dir = tempDir(t);
  writeFileSync(join(dir, "file"), "");
  assert.throws(() => open(join(dir, "file", "under")), {
    code: "ERR_STORE_FAILED",
    outcome: "none",
  });
});

test("a disk that is full is told as a failure that had no effect, and leaves no lock", (t) => {
  const dir = tempDir(t);
  symlinkSync("/dev/full", join(dir, "node.json.new"));
  const full = {
    code: "ERR_STORE_FAILED",
    outcome: "none",
    message: /Cannot write .*node\.json: ENOSPC.*; free space/,
  };
  refuses(dir, full);
  unlinkSync(join(dir, "node.json.new"));
  open(dir).close();
});

test("a directory has one owner in this process, however it is written", (t) => {
  const dir = tempDir(t);
  const first = open(dir);
  const locked = { code: "ERR_DATA_DIR_LOCKED", message: new RegExp(`process ${process.pid}`) };
  assert.throws(() => open(dir), locked);
  assert.throws(() => open(`${dir}/../${dir.split("/").at(-1)}`), locked);
  assert.ok(existsSync(join(dir, "lock")), "the owner's lock stays");
  first.close();
  open(dir).close();
});

test("the lock of a process that lives is respected", (t) => {
  const dir = tempDir(t);
  writeFileSync(join(dir, "lock"), `${process.ppid} -\n`);
  assert.throws(() => open(dir), {
    code: "ERR_DATA_DIR_LOCKED",
    message: new RegExp(`process ${process.ppid}`),
  });
});

test("the lock of a process that is gone is taken over", (t) => {
  const dir = tempDir(t);
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  const stale = [`${pid} 1\n`, `${process.pid} 1\n`, `${process.ppid} 1\n`, "rubbish", ""];
  for (const lock of stale) {
    writeFileSync(join(dir, "lock"), lock);
    open(dir).close();
  }
});
