import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { skipWithout } from "../../native/skip-without.ts";
import { DataDirectory } from "../../../src/engine/data-directory.ts";

const owner = { cluster: "test", node: "a", shards: 2 };

function tempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "flotilla.dir-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

function open(dir: string, more: Partial<typeof owner> = {}): Promise<DataDirectory> {
  return DataDirectory.open(dir, { ...owner, ...more }, () => 4_711);
}

async function openAndClose(dir: string, more: Partial<typeof owner> = {}): Promise<void> {
  (await open(dir, more)).close();
}

/** Fails to open twice: the first failure has left no lock behind. */
async function refuses(
  dir: string,
  error: object,
  more: Partial<typeof owner> = {},
): Promise<void> {
  await assert.rejects(open(dir, more), error);
  await assert.rejects(open(dir, more), error);
}

test("a new directory gets an identity that it keeps", async (t) => {
  const dir = join(tempDir(t), "deep", "down");
  const first = await open(dir);
  assert.equal(first.incarnation, 4_711);
  first.close();
  const again = await DataDirectory.open(dir, owner, () => 1);
  assert.equal(again.incarnation, 4_711);
  assert.equal(again.shardPath(1), join(dir, "shard-1"));
  again.close();
});

test("a directory of another node or cluster is refused, with both names", async (t) => {
  const dir = tempDir(t);
  await openAndClose(dir);
  const foreign = {
    code: "ERR_DATA_DIR_FOREIGN",
    outcome: "none",
    message: /node a of cluster test/,
  };
  await refuses(dir, foreign, { node: "b" });
  await refuses(dir, foreign, { cluster: "other" });
  await openAndClose(dir);
});

test("another number of shards is refused, with the one that it has", async (t) => {
  const dir = tempDir(t);
  await openAndClose(dir);
  await refuses(dir, { code: "ERR_OPTION_INVALID", message: /shards must be 2/ }, { shards: 3 });
});

test("a newer format is refused", async (t) => {
  const dir = tempDir(t);
  await openAndClose(dir);
  const file = join(dir, "node.json");
  writeFileSync(file, readFileSync(file, "utf8").replace('"format": 1', '"format": 2'));
  await refuses(dir, {
    code: "ERR_DATA_DIR_VERSION",
    message: /format 2; this version knows up to 1/,
  });
});

test("a damaged node.json is never taken for a new directory", async (t) => {
  const dir = tempDir(t);
  for (const text of ["", "{", "null", "[]", '{"format":1}', '{"format":"1","cluster":"test"}']) {
    writeFileSync(join(dir, "node.json"), text);
    await refuses(dir, { code: "ERR_STORE_CORRUPT", message: /node\.json is damaged/ });
  }
});

test("a path that cannot be a directory is refused", async (t) => {
  const dir = tempDir(t);
  writeFileSync(join(dir, "file"), "");
  symlinkSync(join(dir, "nowhere"), join(dir, "dangling"));
  for (const name of ["file", "file/under", "dangling"]) {
    const message = /Cannot create the data directory .*; name a directory/;
    await assert.rejects(open(join(dir, name)), { code: "ERR_STORE_FAILED", message }, name);
  }
  await assert.rejects(open(join(dir, "file", "under")), {
    code: "ERR_STORE_FAILED",
    outcome: "none",
  });
});

test("a disk that is full is told as a failure that had no effect, and leaves no lock", async (t) => {
  const dir = tempDir(t);
  symlinkSync("/dev/full", join(dir, "node.json.new"));
  const full = {
    code: "ERR_STORE_FAILED",
    outcome: "none",
    message: /Cannot write .*node\.json: ENOSPC.*; free space/,
  };
  await refuses(dir, full);
  unlinkSync(join(dir, "node.json.new"));
  await openAndClose(dir);
});

test("a read-only file system is told with what to do, for a new directory and a used one", (t) => {
  const dir = tempDir(t);
  const script = `
    const { execFileSync } = await import("node:child_process");
    const [url, dir] = process.argv.slice(1);
    const { DataDirectory } = await import(url);
    const open = (path) =>
      DataDirectory.open(path, { cluster: "test", node: "a", shards: 1 }, () => 1).then(
        (directory) => directory.close(),
        (error) => console.log(error.code, error.outcome, error.message),
      );
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", dir]);
    await open(dir + "/used");
    execFileSync("mount", ["-o", "remount,ro", dir]);
    await open(dir + "/used");
    await open(dir + "/new/deep");`;
  const url = new URL("../../../src/engine/data-directory.js", import.meta.url).href;
  const node = [process.execPath, "--input-type=module", "-e", script, url, dir];
  const trial = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", dir]);
  if (skipWithout(t, trial.status === 0 ? undefined : "no mounts of one's own")) return;
  const { stdout, stderr } = spawnSync("unshare", ["--mount", ...node], { encoding: "utf8" });
  const lines = stdout.trim().split("\n");
  assert.equal(lines.length, 2, stdout + stderr);
  for (const line of lines) {
    assert.match(line, /^ERR_STORE_FAILED none Cannot .*EROFS.*; make its file system writable/);
  }
});

test("files and directories are for the process's user alone, whatever its umask", async (t) => {
  const dir = join(tempDir(t), "deep", "down");
  const before = process.umask(0);
  t.after(() => process.umask(before));
  await openAndClose(dir);
  const modes = [dir, join(dir, ".."), join(dir, "lock"), join(dir, "node.json")].map(
    (path) => statSync(path).mode & 0o777,
  );
  assert.deepEqual(modes, [0o700, 0o700, 0o600, 0o600]);
});

test("stores without a node.json are refused, and nothing is written", async (t) => {
  const dir = tempDir(t);
  await openAndClose(dir);
  mkdirSync(join(dir, "shard-1"));
  unlinkSync(join(dir, "node.json"));
  const corrupt = { code: "ERR_STORE_CORRUPT", message: /node\.json is missing beside shard-1/ };
  await refuses(dir, corrupt);
  assert.deepEqual(readdirSync(dir).sort(), ["lock", "shard-1"]);
});

test("as many shards as the directory has are taken if none are asked for", async (t) => {
  const dir = tempDir(t);
  const made = await open(join(dir, "new"), { shards: 0 });
  assert.equal(made.shards, Math.max(1, availableParallelism() - 1));
  made.close();
  await openAndClose(join(dir, "of-5"), { shards: 5 });
  const found = await open(join(dir, "of-5"), { shards: 0 });
  assert.equal(found.shards, 5);
  found.close();
});
