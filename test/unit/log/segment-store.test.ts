import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RaftError } from "../../../src/base/index.ts";
import type { ErrorCode } from "../../../src/base/index.ts";
import { LmdbStore, SegmentStore } from "../../../src/log/index.ts";
import type { CommitBatch, LogStore, SegmentStoreOptions } from "../../../src/log/index.ts";
import { SegmentDirectory } from "../../../src/log/segment-directory.ts";
import {
  decodeFrameHead,
  encodeFrameHead,
  frameBytes,
  layFrame,
  segmentFormat,
} from "../../../src/log/segment-format.ts";
import type { FrameHead } from "../../../src/log/segment-format.ts";
import { makeBlock } from "../../../src/testing/index.ts";
import { testIdentity, withDir } from "../../fixtures/store-places.ts";

const segmentBytes = 65_536;

function storeIn(dir: string, options: Partial<SegmentStoreOptions> = {}): SegmentStore {
  const common = { dir, identity: testIdentity, durability: "strict", segmentBytes } as const;
  return new SegmentStore({ ...common, ...options });
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

/** A closed store with this many commits, of a block each. */
async function fill(dir: string, commits: number, options = {}): Promise<void> {
  const store = storeIn(dir, options);
  await store.open();
  for (let first = 1; first <= commits; first += 1) await store.commit(batchOf(first));
  await store.close();
}

const fileOf = (dir: string, segment: number): string =>
  join(dir, `${String(segment).padStart(10, "0")}.seg`);

async function lastIndexIn(dir: string): Promise<number> {
  const store = storeIn(dir);
  const [group] = await store.open();
  await store.close();
  return group?.lastIndex ?? 0;
}

async function assertRefuses(store: LogStore, code: ErrorCode, reason: RegExp): Promise<void> {
  await assert.rejects(store.open(), (error) => {
    assert.ok(error instanceof RaftError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, reason);
    return true;
  });
  await store.close();
}

test("a commit is one flush, in every mode but `none`, and `pipelined` is `strict`", async () => {
  for (const [durability, flushes] of [
    ["strict", 4],
    ["pipelined", 4],
    ["none", 0],
  ] as const) {
    await withDir(async (dir) => {
      const store = storeIn(dir, { durability });
      await store.open();
      assert.equal(store.durability, durability === "pipelined" ? "strict" : durability);
      const before = store.stats();
      for (let first = 1; first <= 4; first += 1) await store.commit(batchOf(first));
      const after = store.stats();
      assert.equal(after.flushes - before.flushes, flushes);
      assert.equal(after.bytesStored, statSync(fileOf(dir, 1)).size);
      await store.close();
    });
  }
});

test("a log goes on from segment to segment, each of its size from the beginning", async () => {
  await withDir(async (dir) => {
    await fill(dir, 40);
    const names = readdirSync(dir).sort();
    assert.ok(names.length >= 3, names.join(" "));
    for (const name of names) assert.equal(statSync(join(dir, name)).size, segmentBytes);
    assert.equal(await lastIndexIn(dir), 40);
    const store = storeIn(dir);
    await store.open();
    for (let first = 40; first >= 1; first -= 1) {
      assert.equal(store.read(1, first, 1)[0]?.first, first);
    }
    await store.close();
  });
});

test("a commit larger than a segment gets one of its own", async () => {
  await withDir(async (dir) => {
    const store = storeIn(dir);
    await store.open();
    const large = Buffer.alloc(300_000, "large");
    await store.commit(batchOf(1, large));
    await store.commit(batchOf(2));
    await store.close();
    const again = storeIn(dir);
    await again.open();
    assert.ok(Buffer.from(again.read(1, 1, 1)[0]?.bytes ?? []).includes(large));
    assert.equal(again.read(1, 2, 1).length, 1);
    assert.equal(again.stats().bytesStored, sizesIn(dir));
    await again.close();
  });
});

function sizesIn(dir: string): number {
  return readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
}

test("what is left of a store that was not made is no store", async () => {
  await withDir(async (dir) => {
    writeFileSync(join(dir, "making.seg"), "torn");
    await fill(dir, 2);
    assert.ok(!existsSync(join(dir, "making.seg")));
    writeFileSync(join(dir, "making.seg"), "of the next segment");
    assert.equal(await lastIndexIn(dir), 2);
  });
});

test("a segment that is gone, cut short, of another store or under a wrong number is missed", async () => {
  const harms: readonly (readonly [(dir: string) => void, RegExp])[] = [
    [(dir) => rmSync(fileOf(dir, 1)), /segment 1 is missing/],
    [(dir) => rmSync(fileOf(dir, 2)), /segment 2 is missing/],
    [(dir) => truncateSync(fileOf(dir, 2), 8_192), /segment 2 has 8192 bytes and says 65536/],
    [(dir) => truncateSync(fileOf(dir, 1), 0), /segment 1 has no header/],
    [(dir) => copyFileSync(fileOf(dir, 1), fileOf(dir, 2)), /segment 2 says it is segment 1/],
    [(dir) => copyFileSync(fileOf(join(dir, "other"), 2), fileOf(dir, 2)), /another store/],
  ];
  for (const [harm, reason] of harms) {
    await withDir(async (dir) => {
      await fill(dir, 40);
      const other = { ...testIdentity, incarnation: 7 };
      await fill(join(dir, "other"), 40, { identity: other });
      harm(dir);
      await assertRefuses(storeIn(dir), "ERR_STORE_CORRUPT", reason);
    });
  }
});

test("a lost last segment is missed, although the one before it is whole", async () => {
  await withDir(async (dir) => {
    await fill(dir, 16);
    const last = readdirSync(dir).length;
    assert.ok(last > 1);
    for (let segment = 2; segment <= last; segment += 1) rmSync(fileOf(dir, segment));
    await assertRefuses(storeIn(dir), "ERR_STORE_CORRUPT", /segment 2 is missing/);
  });
});

test("a segment made in advance that holds anything is made anew, and counted once", async () => {
  await withDir(async (dir) => {
    await fill(dir, 9);
    const ahead = readFileSync(fileOf(dir, 2));
    assert.ok(ahead.subarray(segmentFormat.blockBytes).every((byte) => byte === 0));
    // As a power cut leaves it, if the frame by which the first one is left is lost.
    ahead.fill(0x55, segmentFormat.blockBytes);
    writeFileSync(fileOf(dir, 2), ahead);
    for (const [from, to] of [
      [10, 16],
      [17, 17],
    ] as const) {
      const store = storeIn(dir);
      const [group] = await store.open();
      assert.equal(group?.lastIndex, from - 1);
      for (let first = from; first <= to; first += 1) await store.commit(batchOf(first));
      await store.close();
      assert.equal(store.stats().bytesStored, sizesIn(dir));
    }
    assert.equal(await lastIndexIn(dir), 17);
  });
});

test("a segment in which a torn frame has left something is not written to again", async () => {
  await withDir(async (dir) => {
    await fill(dir, 2);
    const bytes = readFileSync(fileOf(dir, 1));
    const { blockBytes } = segmentFormat;
    let end: number = blockBytes;
    while (decodeFrameHead(bytes.subarray(end)) !== undefined) end += blockBytes;
    // The first sectors of a long frame are lost.
    bytes.fill(0x55, end + blockBytes);
    writeFileSync(fileOf(dir, 1), bytes);
    for (const first of [3, 4]) {
      const store = storeIn(dir);
      const [group] = await store.open();
      assert.equal(group?.lastIndex, first - 1);
      await store.commit(batchOf(first));
      await store.close();
    }
    assert.equal(await lastIndexIn(dir), 4);
    assert.ok(existsSync(fileOf(dir, 2)));
  });
});

test("a stored value that looks like the head of a frame is data, also in a torn frame", async () => {
  await withDir(async (dir) => {
    const { blockBytes, headBytes, sectorBytes } = segmentFormat;
    const store = storeIn(dir);
    await store.open();
    await store.commit(batchOf(1));
    await store.commit(batchOf(2, Buffer.alloc(4 * blockBytes, 1)));
    const bytes = readFileSync(fileOf(dir, 1));
    await store.close();
    const frames: { head: FrameHead; at: number }[] = [];
    for (let at: number = blockBytes; ; ) {
      const head = decodeFrameHead(bytes.subarray(at));
      if (head === undefined) break;
      frames.push({ head, at });
      at += frameBytes(head);
    }
    const { head, at } = frames.at(-1) ?? assert.fail("the last frame is there");
    // As if a later frame had called this one durable.
    const forged = new Uint8Array(blockBytes);
    const none = new Uint8Array(0);
    const content = { sequence: 0, metaBytes: 0, recordBytes: 0, ...layFrame(forged, none, none) };
    const place = { number: head.number + 1, durableThrough: head.number };
    encodeFrameHead(forged, { ...head, ...content, ...place });
    bytes.set(forged.subarray(0, headBytes), at + 2 * blockBytes);
    bytes.fill(0, at + 3 * blockBytes, at + 3 * blockBytes + sectorBytes);
    writeFileSync(fileOf(dir, 1), bytes);
    assert.equal(await lastIndexIn(dir), 1);
  });
});

test("a frame of an earlier opening does not follow one of a later", async () => {
  for (const epoch of [1, 9]) {
    await withDir(async (dir) => {
      await fill(dir, 1);
      await fill(dir, 0);
      const bytes = readFileSync(fileOf(dir, 1));
      let end: number = segmentFormat.blockBytes;
      let last: FrameHead | undefined;
      for (;;) {
        const head = decodeFrameHead(bytes.subarray(end));
        if (head === undefined) break;
        last = head;
        end += frameBytes(head);
      }
      assert.ok(last !== undefined && last.epoch === 3);
      const frame = new Uint8Array(segmentFormat.blockBytes);
      const content = layFrame(frame, new Uint8Array(0), new Uint8Array(0));
      const number = last.number + 1;
      encodeFrameHead(frame, { ...last, ...content, epoch, number, durableThrough: last.number });
      bytes.set(frame, end);
      writeFileSync(fileOf(dir, 1), bytes);
      if (epoch === 9) assert.equal(await lastIndexIn(dir), 1);
      else await assertRefuses(storeIn(dir), "ERR_STORE_CORRUPT", /where it cannot be/);
    });
  }
});

test("a segment of a format to come is refused as such", async () => {
  await withDir(async (dir) => {
    await fill(dir, 1);
    const bytes = readFileSync(fileOf(dir, 1));
    bytes.writeUInt32BE(2, 4);
    writeFileSync(fileOf(dir, 1), bytes);
    await assertRefuses(storeIn(dir), "ERR_DATA_DIR_VERSION", /segment 1 has format 2/);
  });
});

test("a store of another identity is refused, and stays as it is", async () => {
  await withDir(async (dir) => {
    await fill(dir, 1);
    const identity = { ...testIdentity, node: "b" };
    await assertRefuses(storeIn(dir, { identity }), "ERR_DATA_DIR_FOREIGN", /node is "a", not "b"/);
    assert.equal(await lastIndexIn(dir), 1);
  });
});

test("segments and LMDB refuse each other's directories", async () => {
  await withDir(async (dir) => {
    await fill(join(dir, "segments"), 1);
    const lmdb = (name: string): LmdbStore =>
      new LmdbStore({ dir: join(dir, name), identity: testIdentity, durability: "strict" });
    await assertRefuses(lmdb("segments"), "ERR_DATA_DIR_FOREIGN", /form segments, not lmdb/);
    const made = lmdb("lmdb");
    await made.open();
    await made.close();
    await assertRefuses(storeIn(join(dir, "lmdb")), "ERR_DATA_DIR_FOREIGN", /form lmdb, not seg/);
    // An LMDB store that lost its file is damaged, and not the place for a new one.
    mkdirSync(join(dir, "lost"));
    writeFileSync(join(dir, "lost", "lock.mdb"), "");
    await assertRefuses(storeIn(join(dir, "lost")), "ERR_DATA_DIR_FOREIGN", /form lmdb/);
  });
});

test("an owner that has lost the log does not write into the segment that the next owner makes", async () => {
  await withDir(async (dir) => {
    const [older, newer] = [new SegmentDirectory(dir, true), new SegmentDirectory(dir, true)];
    older.list();
    older.claim();
    const bytes = 8_388_608;
    const olderMakes = older.make(1, bytes, new Uint8Array(4_096).fill(1));
    newer.list();
    newer.claim();
    const newerMakes = newer.make(1, bytes, new Uint8Array(4_096).fill(2));
    const late = older.make(2, bytes, new Uint8Array(4_096).fill(3));
    const [first, second, third] = await Promise.allSettled([olderMakes, newerMakes, late]);
    assert.deepEqual([first.status, third.status], ["rejected", "rejected"]);
    assert.ok(second.status === "fulfilled");
    second.value.close();
    const made = readFileSync(join(dir, "0000000001.seg"));
    assert.equal(made.length, bytes);
    assert.ok(made.subarray(0, 4_096).every((byte) => byte === 2));
    assert.ok(made.subarray(4_096).every((byte) => byte === 0));
    older.close();
    newer.close();
  });
});

test("after a failure nothing is acknowledged, and closing comes to an end", async () => {
  await withDir(async (dir) => {
    const store = storeIn(dir);
    await store.open();
    await store.commit(batchOf(1));
    // The next segment cannot be made: its name is taken by a folder.
    mkdirSync(join(dir, "making.seg", "full"), { recursive: true });
    const first = store.commit(batchOf(2, Buffer.alloc(100_000)));
    const second = store.commit(batchOf(3));
    for (const done of [first, second]) {
      await assert.rejects(done, (error) => {
        assert.ok(error instanceof RaftError);
        return error.code === "ERR_STORE_FAILED" && error.outcome === "unknown";
      });
    }
    await assert.rejects(store.commit(batchOf(4)), RaftError);
    await store.close();
    rmSync(join(dir, "making.seg"), { recursive: true });
    assert.equal(await lastIndexIn(dir), 1);
  });
});
