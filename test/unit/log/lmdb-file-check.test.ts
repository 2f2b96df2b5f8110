import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { RaftError } from "../../../src/base/index.ts";
import { LmdbStore } from "../../../src/log/index.ts";
import { checkLmdbFile } from "../../../src/log/lmdb-file-check.ts";
import { readMetas } from "../../../src/log/lmdb-meta.ts";
import type { MetaPage } from "../../../src/log/lmdb-meta.ts";
import { makeBlock } from "../../../src/testing/index.ts";
import { testIdentity } from "../../fixtures/store-places.ts";

const pageBytes = 4_096;
/** Of a meta page. */
const freeHead = 48;
const mainHead = 96;
const lastPageAt = 144;
const transactionAt = 152;
/** Of a tree's head. */
const [leafPagesAt, entriesAt, rootAt] = [16, 32, 40];

let dir: string;
/** A store of three commits, of which each record has pages of its own. */
let image: Buffer;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "flotilla.check-"));
  const store = openStore();
  await store.open();
  for (const first of [1, 2, 3]) {
    await store.commit({
      changes: [
        {
          group: 1,
          commit: 0,
          ballot: undefined,
          blocks: [makeBlock(first, 1, [Buffer.alloc(9_000, first)])],
        },
      ],
      descriptors: [
        {
          group: first,
          members: [{ node: "a", incarnation: 1 }],
          state: "running",
          reason: `${first}`,
        },
      ],
      removed: [],
    });
  }
  await store.close();
  image = readFileSync(join(dir, "data.mdb"));
});

after(() => rmSync(dir, { recursive: true }));

function openStore(): LmdbStore {
  return new LmdbStore({ dir, identity: testIdentity, durability: "none", preallocateBytes: 0 });
}

/** The meta page that counts, and the one before it. */
function metasOf(bytes: Buffer): { newer: MetaPage; older: MetaPage } {
  const metas = readMetas((target, at) => bytes.copy(target, 0, at));
  assert.ok(metas !== undefined);
  const [first, second] = metas;
  return first.transaction > second.transaction
    ? { newer: first, older: second }
    : { newer: second, older: first };
}

const metaAt = ({ number }: MetaPage): number => number * pageBytes;

function setU64(bytes: Buffer, at: number, value: number): void {
  bytes.writeBigUInt64LE(BigInt(value), at);
}

/** Where the nodes of a page begin, in order of keys. */
function nodesOf(bytes: Buffer, page: number): number[] {
  const base = page * pageBytes;
  const count = bytes.readUInt16LE(base + 20) / 2;
  return Array.from({ length: count }, (_, i) => base + 24 + bytes.readUInt16LE(base + 24 + i * 2));
}

/** Where the words of the last entry of the list of free pages begin. */
function freeWordsAt(bytes: Buffer): number {
  const node = nodesOf(bytes, metasOf(bytes).newer.free.root).at(-1);
  assert.ok(node !== undefined);
  return node + 8 + 8;
}

/** Where the head of the log's tree is. */
function logHeadAt(bytes: Buffer): number {
  const [node] = nodesOf(bytes, metasOf(bytes).newer.main.root);
  assert.ok(node !== undefined);
  assert.equal(bytes.subarray(node + 8, node + 11).toString(), "log");
  return node + 8 + 4;
}

const logRoot = (bytes: Buffer): number => Number(bytes.readBigUInt64LE(logHeadAt(bytes) + rootAt));

function damaged(damage: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(image);
  damage(bytes);
  return bytes;
}

/** The file as the check leaves it. */
async function check(bytes: Buffer): Promise<Buffer> {
  const path = join(dir, "checked");
  writeFileSync(path, bytes);
  try {
    await checkLmdbFile({ path, nextTurn: async () => {} });
  } finally {
    bytes = readFileSync(path);
  }
  return bytes;
}

async function lastIndexOf(bytes: Buffer): Promise<number> {
  writeFileSync(join(dir, "data.mdb"), bytes);
  const store = openStore();
  try {
    return (await store.open()).at(0)?.lastIndex ?? 0;
  } finally {
    await store.close();
  }
}

const damages: readonly (readonly [string, (bytes: Buffer) => void, RegExp])[] = [
  [
    "the newer meta page's number far ahead",
    (bytes) => setU64(bytes, metaAt(metasOf(bytes).newer) + transactionAt, 2 ** 40),
    /has transactions/,
  ],
  [
    "an older state that says it is the newer one",
    (bytes) => {
      const { newer, older } = metasOf(bytes);
      setU64(bytes, metaAt(older) + transactionAt, newer.transaction + 1);
    },
    /its pages are of another/,
  ],
  [
    "a counter of the tree of free pages",
    (bytes) => setU64(bytes, metaAt(metasOf(bytes).newer) + freeHead + leafPagesAt, 2 ** 40),
    /tree of free pages has other numbers of pages/,
  ],
  [
    "the number of the log's entries",
    (bytes) => setU64(bytes, logHeadAt(bytes) + entriesAt, 2),
    /tree log has other numbers/,
  ],
  [
    "the root of the main tree",
    (bytes) => setU64(bytes, metaAt(metasOf(bytes).newer) + mainHead + rootAt, 2 ** 50),
    /uses 1 pages from .* not in the file/,
  ],
  [
    "a last page before pages that are in use",
    (bytes) => setU64(bytes, metaAt(metasOf(bytes).newer) + lastPageAt, 5),
    /not in the file/,
  ],
  [
    "a last page far behind the end of the file",
    (bytes) => setU64(bytes, metaAt(metasOf(bytes).newer) + lastPageAt, 2 ** 22),
    /has \d+ bytes of/,
  ],
  [
    "a page of another kind",
    (bytes) => bytes.writeUInt16LE(1, logRoot(bytes) * pageBytes + 18),
    /has page \d+ with a wrong header/,
  ],
  [
    "the bounds of a page",
    (bytes) => bytes.writeUInt16LE(60_000, logRoot(bytes) * pageBytes + 22),
    /has page \d+ with wrong bounds/,
  ],
  [
    "the place of a node",
    (bytes) => bytes.writeUInt16LE(4_080, logRoot(bytes) * pageBytes + 24),
    /has page \d+ with a node out of place/,
  ],
  [
    "a node that two places lead to",
    (bytes) => bytes.copyWithin(logRoot(bytes) * pageBytes + 24, logRoot(bytes) * pageBytes + 26),
    /has page \d+ with a node out of place/,
  ],
  [
    "keys out of order",
    (bytes) => {
      const [node = 0] = nodesOf(bytes, logRoot(bytes));
      bytes[node + 8 + 7] = 9;
    },
    /has page \d+ out of order/,
  ],
  [
    "a large value that is longer than its pages",
    (bytes) => {
      const [node = 0] = nodesOf(bytes, logRoot(bytes));
      bytes.writeUInt16LE(1, node + 2);
    },
    /has \d+ bytes in 3 pages/,
  ],
  [
    "a large value in the pages of another",
    (bytes) => {
      const [first = 0, second = 0] = nodesOf(bytes, logRoot(bytes));
      bytes.copy(bytes, first + 16, second + 16, second + 40);
    },
    /in use already/,
  ],
  [
    "the head of a large value's pages",
    (bytes) => {
      const [node = 0] = nodesOf(bytes, logRoot(bytes));
      bytes.writeUInt32LE(4, Number(bytes.readBigUInt64LE(node + 16)) * pageBytes + 20);
    },
    /has no run of 3 pages/,
  ],
  [
    "a free page that is in use",
    (bytes) => {
      const words = freeWordsAt(bytes);
      setU64(bytes, words, 1);
      setU64(bytes, words + 8, logRoot(bytes));
    },
    /tree of free pages has an entry of transaction \d+ that cannot be/,
  ],
  [
    "a free page behind the last one",
    (bytes) => {
      const words = freeWordsAt(bytes);
      setU64(bytes, words, 1);
      setU64(bytes, words + 8, metasOf(bytes).newer.lastPage + 1);
    },
    /that cannot be/,
  ],
  [
    "more free pages than the entry holds",
    (bytes) => setU64(bytes, freeWordsAt(bytes), 2 ** 20),
    /that cannot be/,
  ],
];

for (const [name, damage, reason] of damages) {
  test(`the check of LMDB's file refuses ${name}, and writes nothing`, async () => {
    const bytes = damaged(damage);
    await assert.rejects(check(bytes), (error) => {
      assert.ok(error instanceof RaftError, String(error));
      assert.equal(error.code, "ERR_STORE_CORRUPT");
      assert.match(error.message, reason);
      return true;
    });
    assert.ok(readFileSync(join(dir, "checked")).equals(bytes));
  });
}

test("the check of LMDB's file lets a sound one through as it is", async () => {
  assert.ok((await check(image)).equals(image));
  assert.equal(await lastIndexOf(image), 3);
});

test("a newest commit whose meta page bears an older number is found, not forgotten", async () => {
  const { newer } = metasOf(image);
  const bytes = damaged((damage) =>
    setU64(damage, metaAt(newer) + transactionAt, newer.transaction - 2),
  );
  assert.ok((await check(bytes)).equals(image));
  assert.equal(await lastIndexOf(bytes), 3);
});

test("a commit that LMDB took back does not count, and the one before it does", async () => {
  const { newer, older } = metasOf(image);
  // As LMDB does where it cannot write the meta page: the old number, and the old end.
  const bytes = damaged((damage) => {
    setU64(damage, metaAt(newer) + transactionAt, newer.transaction - 2);
    setU64(damage, metaAt(newer) + lastPageAt, 4);
  });
  assert.ok((await check(bytes)).equals(bytes));
  assert.equal(older.transaction, newer.transaction - 1);
  assert.equal(await lastIndexOf(bytes), 2);
});
