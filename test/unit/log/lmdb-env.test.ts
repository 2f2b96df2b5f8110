/** What LMDB does to its files, on which our room for them rests. */
import assert from "node:assert/strict";
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { open } from "lmdb";
import { Prng } from "../../../src/base/index.ts";
import { FileReserve } from "../../../src/log/file-reserve.ts";
import type { FileUse } from "../../../src/log/file-reserve.ts";
import { ensureStore, openStore } from "../../../src/log/lmdb-directory.ts";
import { LmdbEnv } from "../../../src/log/lmdb-env.ts";
import { checkLmdbFile } from "../../../src/log/lmdb-file-check.ts";
import { emptyLmdbFile, readMetas } from "../../../src/log/lmdb-meta.ts";
import type { MetaWrite } from "../../../src/log/log-env.ts";
import { testIdentity, withDir } from "../../fixtures/store-places.ts";

const mapBytes = 2 ** 32;

test("an empty file of ours is byte for byte the one that LMDB makes", async () => {
  await withDir(async (dir) => {
    mkdirSync(join(dir, "lmdb"));
    const root = open({
      path: join(dir, "lmdb"),
      noSubdir: false,
      overlappingSync: false,
      mapSize: mapBytes,
      pageSize: 4_096,
      maxReaders: 64,
    });
    await root.close();
    const made = readFileSync(join(dir, "lmdb", "data.mdb"));
    assert.equal(Buffer.from(emptyLmdbFile(mapBytes)).toString("hex"), made.toString("hex"));
    const lockBytes = statSync(join(dir, "lmdb", "lock.mdb")).size;
    assert.ok(lockBytes <= 8_192, `LMDB asks for ${lockBytes} bytes of its lock file`);
  });
});

test("a store that is made or opened has all of its blocks, and so has its lock file", async () => {
  await withDir(async (dir) => {
    const options = { dir, durability: "none", mapBytes } as const;
    await ensureStore(options, testIdentity, 131_072);
    const env = await openStore(options, 131_072);
    for (const name of ["data.mdb", "lock.mdb"]) {
      const { size, blocks } = statSync(join(dir, name));
      assert.ok(blocks * 512 >= size, `${name} has ${blocks} blocks`);
    }
    assert.equal(statSync(join(dir, "lock.mdb")).size, 8_192);
    await env.close();
  });
});

test("a file that was cut is refused before it is filled up with zeros", async () => {
  await withDir(async (dir) => {
    const path = join(dir, "data.mdb");
    const bytes = Buffer.from(emptyLmdbFile(mapBytes));
    bytes.writeBigUInt64LE(1_000n, 144);
    bytes.writeBigUInt64LE(2n, 152);
    bytes.writeBigUInt64LE(1n, 4_096 + 152);
    writeFileSync(path, bytes);
    const options = { dir, durability: "none", mapBytes } as const;
    const cut = { code: "ERR_STORE_CORRUPT", message: /has 8192 bytes of 4100096/ };
    await assert.rejects(openStore(options, 0), cut);
    assert.equal(statSync(path).size, bytes.length);
  });
});

/** Up to the end of the last page that the newer meta page counts. */
function usedBytesOf(path: string): number {
  const fd = openSync(path, "r");
  try {
    const metas = readMetas((target, at) => readSync(fd, target, 0, target.length, at));
    assert.ok(metas !== undefined);
    const [first, second] = metas;
    const { lastPage, pageBytes } = second.transaction > first.transaction ? second : first;
    return (lastPage + 1) * pageBytes;
  } finally {
    closeSync(fd);
  }
}

/** Notes what each transaction was given room for and what it took. */
class WatchedReserve extends FileReserve {
  worstBytes = 0;
  readonly #dataFile: string;
  #usedBytes: number;
  #roomBytes = 0;

  constructor(dataFile: string) {
    super(dataFile, 4_194_304);
    this.#dataFile = dataFile;
    this.#usedBytes = usedBytesOf(dataFile);
  }

  override makeRoom(bytes: number, measure: () => FileUse): void {
    this.look();
    super.makeRoom(bytes, measure);
    const { freeListBytes } = measure();
    this.#roomBytes = bytes + 3 * freeListBytes;
  }

  /** How far the last transaction went beyond the bytes that it was said to add. */
  look(): void {
    const usedBytes = usedBytesOf(this.#dataFile);
    const taken = usedBytes - this.#usedBytes;
    this.#usedBytes = usedBytes;
    this.worstBytes = Math.max(this.worstBytes, taken - this.#roomBytes);
  }
}

function metaOf(prng: Prng, number: number): MetaWrite {
  const key = Buffer.alloc(5, "g");
  key.writeUInt32BE(number, 1);
  const value = prng.chance(0.7) ? Buffer.alloc(prng.between(20, 3_000), number) : undefined;
  return { key, value };
}

test("no transaction takes half of the room that it has, and no file of LMDB looks damaged", async (t) => {
  await withDir(async (dir) => {
    const path = join(dir, "data.mdb");
    writeFileSync(path, emptyLmdbFile(mapBytes));
    const reserve = new WatchedReserve(path);
    const env = new LmdbEnv({ dir, durability: "none", mapBytes }, reserve);
    const prng = new Prng(1);
    for (let sequence = 1; sequence <= 3_000; sequence += 1) {
      const record = Buffer.alloc(2 ** prng.between(5, prng.chance(0.02) ? 21 : 13), "record");
      const metas = new Map<number, MetaWrite>();
      const many = prng.chance(0.01) ? 2_000 : prng.between(0, 8);
      for (let count = 0; count < many; count += 1) {
        const number = prng.between(0, 20_000);
        metas.set(number, metaOf(prng, number));
      }
      env.write([...metas.values()], sequence, record);
      if (sequence % 200 !== 0) continue;
      const end = await checkLmdbFile({ path, nextTurn: async () => {} });
      assert.equal(end, usedBytesOf(path));
    }
    reserve.look();
    await env.close();
    t.diagnostic(`${reserve.worstBytes} bytes at most, in a file of ${statSync(path).size}`);
    assert.ok(reserve.worstBytes <= 131_072, `${reserve.worstBytes} bytes`);
  });
});
