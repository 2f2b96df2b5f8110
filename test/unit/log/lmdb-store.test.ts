import assert from "node:assert/strict";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { open } from "lmdb";
import { RaftError } from "../../../src/base/index.ts";
import type { ErrorCode } from "../../../src/base/index.ts";
import { LmdbStore } from "../../../src/log/index.ts";
import type { CommitBatch, Durability, LmdbStoreOptions } from "../../../src/log/index.ts";
import { makeBlock } from "../../../src/testing/index.ts";
import { skipWithout } from "../../native/skip-without.ts";
import { testIdentity, withDir } from "../../fixtures/store-places.ts";

function storeIn(dir: string, options: Partial<LmdbStoreOptions> = {}): LmdbStore {
  const common = {
    dir,
    identity: testIdentity,
    durability: "strict",
    preallocateBytes: 0,
  } as const;
  return new LmdbStore({ ...common, ...options });
}

function batchOf(first: number, entry: Buffer | string = `entry ${first} `): CommitBatch {
  const blocks = [makeBlock(first, 1, [Buffer.from(entry)])];
  const members = [{ node: "a", incarnation: 1 }];
  return {
    changes: [{ group: 1, commit: 0, ballot: undefined, blocks }],
    descriptors: first === 1 ? [{ group: 1, members, state: "running", reason: "" }] : [],
    removed: [],
  };
}

/** A closed store with this many commits. */
async function fill(
  dir: string,
  commits: number,
  durability: Durability = "strict",
): Promise<void> {
  const store = storeIn(dir, { durability });
  await store.open();
  for (let first = 1; first <= commits; first += 1) await store.commit(batchOf(first));
  await store.close();
}

async function assertRefuses(store: LmdbStore, code: ErrorCode, reason: RegExp): Promise<void> {
  await assert.rejects(store.open(), (error) => {
    assert.ok(error instanceof RaftError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, reason);
    return true;
  });
  await store.close();
}

/** Changes the database behind the store's back. */
async function tamper(
  dir: string,
  database: "log" | "meta",
  change: (db: ReturnType<typeof openDatabase>) => void,
): Promise<void> {
  const root = open({ path: dir, noSubdir: false, overlappingSync: false });
  const db = root.openDB<Buffer, Buffer>({
    name: database,
    encoding: "binary",
    keyEncoding: "binary",
  });
  root.transactionSync(() => {
    change(db);
  });
  await root.close();
}
function openDatabase() {
  return open<Buffer, Buffer>({}).openDB<Buffer, Buffer>({ name: "" });
}

const recordKey = (sequence: number): Buffer => {
  const key = Buffer.alloc(8);
  key.writeUInt32BE(sequence, 4);
  return key;
};

test("LmdbStore counts its flushes: two a strict commit, none where it never flushes", async () => {
  for (const [durability, flushes] of [["strict", 8] as const, ["none", 0] as const]) {
    await withDir(async (dir) => {
      const store = storeIn(dir, { durability });
      await store.open();
      const before = store.stats();
      for (let first = 1; first <= 4; first += 1) await store.commit(batchOf(first));
      const after = store.stats();
      assert.equal(after.commits, 4);
      assert.equal(after.flushes - before.flushes, flushes);
      assert.equal(after.bytesStored, statSync(join(dir, "data.mdb")).size);
      await store.close();
    });
  }
});

test("a pipelined commit resolves with the next one, which saves its second flush", async () => {
  await withDir(async (dir) => {
    const store = storeIn(dir, { durability: "pipelined" });
    await store.open();
    const before = store.stats().flushes;
    const resolved: number[] = [];
    const first = store.commit(batchOf(1)).then(() => resolved.push(1));
    await Promise.resolve();
    assert.equal(resolved.length, 0);
    const second = store.commit(batchOf(2)).then(() => resolved.push(2));
    await first;
    assert.deepEqual(resolved, [1]);
    assert.equal(store.stats().flushes - before, 2);
    await second;
    assert.deepEqual(resolved, [1, 2]);
    assert.equal(store.stats().flushes - before, 3);
    await store.close();
  });
});

test("a pipelined commit of a busy loop waits for the next one instead of a flush of its own", async () => {
  await withDir(async (dir) => {
    const store = storeIn(dir, { durability: "pipelined" });
    await store.open();
    const before = store.stats().flushes;
    const commits: Promise<void>[] = [];
    for (let first = 1; first <= 10; first += 1) {
      commits.push(store.commit(batchOf(first)));
      await nextTurn();
    }
    assert.equal(store.stats().flushes - before, 10);
    await Promise.all(commits);
    assert.equal(store.stats().flushes - before, 11);
    await store.close();
  });
});

test("closing a pipelined store flushes and resolves the commit that waits", async () => {
  await withDir(async (dir) => {
    const store = storeIn(dir, { durability: "pipelined" });
    await store.open();
    let resolved = false;
    const done = store.commit(batchOf(1)).then(() => {
      resolved = true;
    });
    await store.close();
    await done;
    assert.ok(resolved);
  });
});

test("open writes a transaction of its own, and makes it durable, before it vouches for what is there", async () => {
  // LMDB's number of the newest transaction, from its two meta pages.
  const transactionIn = (dir: string): bigint => {
    const file = readFileSync(join(dir, "data.mdb"));
    const [first, second] = [file.readBigUInt64LE(152), file.readBigUInt64LE(4_096 + 152)];
    return first > second ? first : second;
  };
  for (const durability of ["strict", "none"] as const) {
    await withDir(async (dir) => {
      await fill(dir, 2, durability);
      const before = transactionIn(dir);
      const store = storeIn(dir, { durability });
      await store.open();
      assert.equal(transactionIn(dir) - before, 1n);
      assert.equal(store.stats().flushes, durability === "none" ? 0 : 2);
      await store.close();
    });
  }
});

test("a directory written in one durability mode opens in the others", async () => {
  await withDir(async (dir) => {
    for (const [at, durability] of (["strict", "pipelined", "none", "strict"] as const).entries()) {
      const store = storeIn(dir, { durability });
      const [group] = await store.open();
      assert.equal(group?.lastIndex ?? 0, at);
      await store.commit(batchOf(at + 1));
      await store.close();
    }
  });
});

test("open refuses a directory of another node, cluster or shard, and leaves it as it is", async () => {
  await withDir(async (dir) => {
    await fill(dir, 1);
    for (const other of [{ node: "b" }, { cluster: "x" }, { shard: 1 }, { incarnation: 9 }]) {
      const store = storeIn(dir, { identity: { ...testIdentity, ...other } });
      await assertRefuses(store, "ERR_DATA_DIR_FOREIGN", /belongs to another/);
    }
    const store = storeIn(dir);
    assert.equal((await store.open()).length, 1);
    await store.close();
  });
});

test("open refuses a directory of a newer format", async () => {
  await withDir(async (dir) => {
    await fill(dir, 1);
    await tamper(dir, "meta", (db) => {
      const value = db.get(Buffer.from("i"));
      assert.ok(value !== undefined);
      value[7] = 3;
      db.putSync(Buffer.from("i"), value);
    });
    await assertRefuses(storeIn(dir), "ERR_DATA_DIR_VERSION", /format 3, this program knows 2/);
  });
});

test("open refuses a store that has lost its identity, rather than take it for a new one", async () => {
  await withDir(async (dir) => {
    await fill(dir, 1);
    await tamper(dir, "meta", (db) => {
      db.removeSync(Buffer.from("i"));
    });
    await assertRefuses(storeIn(dir), "ERR_STORE_CORRUPT", /no identity/);
  });
});

test("open refuses a directory whose data file is gone, empty or overwritten", async () => {
  const damages: readonly [string, (path: string) => void][] = [
    ["gone", (path) => rmSync(path)],
    ["empty", (path) => writeFileSync(path, "")],
    ["of zeros", (path) => writeFileSync(path, Buffer.alloc(statSync(path).size))],
    ["cut short", (path) => truncateSync(path, 8_192)],
    ["another file", (path) => writeFileSync(path, "# not a database\n".repeat(1_000))],
  ];
  for (const [name, damage] of damages) {
    await withDir(async (dir) => {
      await fill(dir, 1);
      damage(join(dir, "data.mdb"));
      await assertRefuses(storeIn(dir), "ERR_STORE_CORRUPT", /Cannot trust the store/);
      assert.ok(!existsSync(join(dir, "making")), name);
    });
  }
});

test("a store whose making was interrupted is made anew", async () => {
  await withDir(async (dir) => {
    mkdirSync(join(dir, "making"));
    writeFileSync(join(dir, "making", "data.mdb"), "half a pag");
    const store = storeIn(dir);
    assert.deepEqual(await store.open(), []);
    assert.ok(!existsSync(join(dir, "making")));
    await store.close();
  });
});

test("one changed byte in a stored block is damage of its group, which names the record", async () => {
  await withDir(async (dir) => {
    await fill(dir, 3);
    const path = join(dir, "data.mdb");
    const bytes = readFileSync(path);
    // LMDB writes a page anew with each commit, so old copies of the block lie about too.
    for (let at = bytes.indexOf("entry 2 "); at >= 0; at = bytes.indexOf("entry 2 ", at)) {
      bytes[at] = 0x45;
    }
    writeFileSync(path, bytes);
    const store = storeIn(dir);
    const [group] = await store.open();
    assert.match(group?.damage ?? "", /record 2 holds entry 2 with a wrong checksum/);
    assert.equal(group?.lastIndex, 3);
    assert.throws(() => store.read(1, 2, 1), { code: "ERR_STORE_CORRUPT" });
    await store.close();
  });
});

test("open refuses a log with a record missing, doubled or under a strange key", async () => {
  const code = "ERR_STORE_CORRUPT";
  await withDir(async (dir) => {
    await fill(dir, 3);
    await tamper(dir, "log", (db) => {
      db.removeSync(recordKey(2));
    });
    await assertRefuses(storeIn(dir), code, /record 2 is missing/);
    await tamper(dir, "log", (db) => {
      db.putSync(recordKey(2), db.get(recordKey(3)) ?? Buffer.alloc(0));
    });
    await assertRefuses(storeIn(dir), code, /record 2 says it is record 3/);
  });
  await withDir(async (dir) => {
    await fill(dir, 1);
    await tamper(dir, "log", (db) => {
      db.putSync(Buffer.from([0xff]), Buffer.alloc(1));
    });
    await assertRefuses(storeIn(dir), code, /has a key of 1 bytes/);
  });
});

test("open makes a file of the asked size, and the file grows ahead of small commits", async () => {
  await withDir(async (dir) => {
    const store = storeIn(dir, { preallocateBytes: 2_097_152 });
    await store.open();
    const made = store.stats().bytesStored;
    assert.ok(made > 2_097_152 && made < 2_300_000, `${made}`);
    for (let first = 1; first <= 60; first += 1) {
      await store.commit(batchOf(first, Buffer.alloc(40_000)));
    }
    const ahead = store.stats().bytesStored - store.stats().bytesWritten;
    assert.ok(ahead > 900_000, `${ahead} bytes ahead`);
    await store.close();
  });
});

test("a store whose directory cannot be made says so, and closes", async () => {
  await withDir(async (dir) => {
    writeFileSync(join(dir, "file"), "");
    await assertRefuses(storeIn(join(dir, "file", "store")), "ERR_STORE_FAILED", /Cannot open/);
  });
});

test("a store that is closed while it opens does not open", async () => {
  await withDir(async (dir) => {
    await fill(dir, 1);
    for (const at of [dir, join(dir, "new")]) {
      const store = storeIn(at);
      const opening = assert.rejects(store.open(), /the store is closed/);
      await store.close();
      await opening;
    }
  });
});

test("a store that is not open refuses to read and to commit", async () => {
  await withDir(async (dir) => {
    const store = storeIn(dir);
    await assert.rejects(store.commit(batchOf(1)), /the store is new/);
    assert.throws(() => store.read(1, 1, 1), /the store is new/);
    await store.close();
    assert.ok(!existsSync(join(dir, "data.mdb")));
  });
});

/** Commits entries of 64 KiB while the store takes them; returns the first index that it did not. */
async function fillUp(store: LmdbStore, from = 1): Promise<number> {
  for (let first = from; ; first += 1) {
    if (store.full() !== undefined) return first;
    assert.ok(first < 1_000, "the store is full at some time");
    await store.commit(batchOf(first, Buffer.alloc(65_536, first)));
  }
}

function ballotOf(term: number): CommitBatch {
  const ballot = { term, vote: "a" };
  const changes = [{ group: 1, commit: 0, ballot, blocks: [] }];
  return { changes, descriptors: [], removed: [] };
}

test("mapBytes bounds the file: entries are refused before its end, then every commit, with no effect", async () => {
  await withDir(async (dir) => {
    const mapBytes = 8 * 2 ** 20;
    const path = join(dir, "data.mdb");
    const store = storeIn(dir, { durability: "none", mapBytes, preallocateBytes: 16 * 2 ** 20 });
    await store.open();
    const end = await fillUp(store);
    const full = store.full();
    assert.deepEqual([full?.code, full?.outcome], ["ERR_STORE_FULL", "none"]);
    assert.match(full?.message ?? "", /of 8388608 bytes \(mapBytes\); raise mapBytes and restart/);
    assert.ok(statSync(path).size > mapBytes * 0.8);
    // Elections go on, and what is on its way still fits.
    await store.commit(ballotOf(2));
    await store.commit(batchOf(end));
    const large = store.commit(batchOf(end + 1, Buffer.alloc(2 ** 20)));
    await assert.rejects(large, { code: "ERR_STORE_FULL", outcome: "none" });
    // A refusal is no failure: the store has not written anything, and lives.
    await store.commit(ballotOf(3));
    assert.equal(store.read(1, end, 1)[0]?.count, 1);
    assert.deepEqual(store.read(1, end + 1, 1), []);
    assert.ok(statSync(path).size <= mapBytes, `${statSync(path).size} bytes`);
    await store.close();
    // Neither the same bound nor a lower one makes it a damaged store.
    for (const [again, term] of [
      [mapBytes, 3],
      [2 * 2 ** 20, 4],
    ] as const) {
      const reopened = storeIn(dir, { durability: "none", mapBytes: again });
      const [group] = await reopened.open();
      assert.deepEqual([group?.lastIndex, group?.ballot.term], [end, term]);
      assert.equal(reopened.full()?.code, "ERR_STORE_FULL");
      await reopened.commit(ballotOf(term + 1));
      assert.equal(reopened.read(1, end, 1)[0]?.count, 1);
      await reopened.close();
    }
    const raised = storeIn(dir, { durability: "none", mapBytes: 4 * mapBytes });
    await raised.open();
    assert.equal(raised.full(), undefined);
    await raised.commit(batchOf(end + 1));
    await raised.close();
  });
});

test("a log at its bound takes ballots for hundreds of elections, and anew after each opening", async () => {
  await withDir(async (dir) => {
    const mapBytes = 4 * 2 ** 20;
    const store = storeIn(dir, { durability: "none", mapBytes });
    await store.open();
    await fillUp(store);
    await store.close();
    let term = 1;
    for (let life = 0; life < 3; life += 1) {
      const reopened = storeIn(dir, { durability: "none", mapBytes });
      await reopened.open();
      for (let ballot = 0; ballot < 300; ballot += 1) {
        term += 1;
        await reopened.commit(ballotOf(term));
      }
      await reopened.close();
    }
  });
});

test("the environment of a worker thread that crashed ends with it, and is not opened again", async (t) => {
  if (skipWithout(t, existsSync("/proc/self/maps") ? undefined : "no /proc/self/maps")) return;
  await withDir(async (dir) => {
    // Opened twice in a process, lmdb hands out the environment that is there, with what it met.
    const isMapped = (): boolean => readFileSync("/proc/self/maps", "utf8").includes(dir);
    const url = new URL("../../../src/log/index.js", import.meta.url).href;
    const options = { dir, identity: testIdentity, durability: "strict", preallocateBytes: 0 };
    const script = `
      const { workerData } = require("node:worker_threads");
      import(workerData.url).then(async ({ LmdbStore }) => {
        await new LmdbStore(workerData.options).open();
        const maps = require("node:fs").readFileSync("/proc/self/maps", "utf8");
        throw new Error(maps.includes(workerData.options.dir) ? "mapped" : "not mapped");
      });`;
    const worker = new Worker(script, { eval: true, workerData: { url, options } });
    const [error] = await once(worker, "error", { signal: AbortSignal.timeout(20_000) });
    assert.match(String(error), /Error: mapped/, "the store was open when its thread crashed");
    // As the pool does before it starts a successor.
    await worker.terminate();
    assert.ok(!isMapped(), "its environment is closed");
    const store = storeIn(dir);
    await store.open();
    assert.ok(isMapped());
    await store.commit(batchOf(1));
    await store.close();
    assert.ok(!isMapped());
  });
});
