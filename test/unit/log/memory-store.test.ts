import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftError } from "../../../src/base/index.ts";
import { MemoryStore } from "../../../src/log/index.ts";
import type { CommitBatch, MemoryDisk } from "../../../src/log/index.ts";
import { makeBlock } from "../../../src/testing/index.ts";
import { recordOf } from "./record-of.ts";

function batchOf(group: number, first: number, commit = 0): CommitBatch {
  const members = [{ node: "a", incarnation: 1 }];
  return {
    changes: [
      { group, commit, ballot: undefined, blocks: [makeBlock(first, 1, [Buffer.from("x")])] },
    ],
    descriptors: first === 1 ? [{ group, members, state: "running", reason: "" }] : [],
    removed: [],
  };
}

async function diskOf(...batches: readonly CommitBatch[]): Promise<MemoryDisk> {
  const store = new MemoryStore();
  await store.open();
  for (const batch of batches) await store.commit(batch);
  await store.close();
  return store.disk;
}

/** Opens a store on the disk and says why it refuses. */
async function refusalOf(disk: MemoryDisk): Promise<string> {
  const failure: unknown = await new MemoryStore({ disk }).open().then(
    () => assert.fail("the disk is refused"),
    (error: unknown) => error,
  );
  assert.ok(failure instanceof RaftError);
  assert.equal(failure.code, "ERR_STORE_CORRUPT");
  return failure.message;
}

test("MemoryStore shuts out a store whose disk was opened by another", async () => {
  const old = new MemoryStore();
  await old.open();
  await old.commit(batchOf(1, 1));
  const next = new MemoryStore({ disk: old.disk });
  const [group] = await next.open();
  assert.equal(group?.lastIndex, 1);
  await assert.rejects(old.commit(batchOf(1, 2)), /shut out/);
  assert.throws(() => old.read(1, 1, 1), /shut out/);
  await next.commit(batchOf(1, 2));
});

test("MemoryStore.commit() does not resolve before it returns", async () => {
  const store = new MemoryStore();
  await store.open();
  let resolved = false;
  const done = store.commit(batchOf(1, 1)).then(() => {
    resolved = true;
  });
  assert.equal(resolved, false);
  await done;
});

// The rows of the table of recovery in FORMAT.md that LMDB's own checks would not let through.

/** What a store on the disk says of its groups' damage. */
async function damagesOf(disk: MemoryDisk): Promise<(string | undefined)[]> {
  const store = new MemoryStore({ disk });
  const groups = await store.open();
  await store.close();
  return groups.map(({ damage }) => damage);
}

/** Flips a bit in the last byte of a record: of its last block. */
function damage(disk: MemoryDisk, sequence: number): void {
  const record = disk.records[sequence - 1];
  assert.ok(record !== undefined);
  record[record.length - 1] = (record.at(-1) ?? 0) ^ 1;
}

test("damage inside a record's payload is damage of the groups of those bytes only", async () => {
  const both = [batchOf(1, 1), batchOf(2, 1)];
  const disk = await diskOf(
    {
      changes: both.flatMap(({ changes }) => changes),
      descriptors: both.flatMap(({ descriptors }) => descriptors),
      removed: [],
    },
    batchOf(1, 2),
  );
  assert.deepEqual(await damagesOf(disk), [undefined, undefined]);
  damage(disk, 1);
  const damages = await damagesOf(disk);
  assert.equal(damages[0], undefined);
  assert.match(damages[1] ?? "", /record 1 holds entry 1 with a wrong checksum/);
  damage(disk, 2);
  assert.match((await damagesOf(disk))[0] ?? "", /record 2 holds entry 2 with a wrong checksum/);
});

test("damage to a block that newer ones have replaced, or of a removed group, is of no meaning", async () => {
  const batches = [batchOf(1, 1), batchOf(1, 2), batchOf(1, 3), batchOf(1, 2)];
  const disk = await diskOf(...batches);
  damage(disk, 2);
  damage(disk, 3);
  assert.deepEqual(await damagesOf(disk), [undefined]);
  damage(disk, 1);
  assert.match((await damagesOf(disk))[0] ?? "", /record 1 holds entry 1/);
  const gone = await diskOf(batchOf(1, 1), { changes: [], descriptors: [], removed: [1] });
  damage(gone, 1);
  assert.deepEqual(await damagesOf(gone), []);
  const created = await diskOf(batchOf(1, 1), { ...batchOf(1, 1), removed: [1] });
  damage(created, 1);
  assert.deepEqual(await damagesOf(created), [undefined]);
});

test("open refuses a record whose directory has changed", async () => {
  const disk = await diskOf(batchOf(1, 1), batchOf(1, 2));
  const record = disk.records[1];
  assert.ok(record !== undefined);
  record[30] = (record[30] ?? 0) ^ 1;
  assert.match(await refusalOf(disk), /record 2 has checksum/);
});

test("a read finds damage to any bit of a record that was sound when the log was opened", async () => {
  const [first, second] = [1, 2].map((group) => batchOf(group, 1));
  assert.ok(first !== undefined && second !== undefined);
  const blocks = [makeBlock(1, 1, [Buffer.from("x")]), makeBlock(2, 1, [Buffer.from("yz")])];
  const changes = [...second.changes, { ...batchOf(1, 1).changes[0], group: 1, commit: 0, blocks }];
  const descriptors = [...first.descriptors, ...second.descriptors];
  const batch = { changes: changes.map((one) => ({ ...one, ballot: undefined })), descriptors };
  const disk = await diskOf({ ...batch, removed: [] });
  const store = new MemoryStore({ disk });
  await store.open();
  const [record] = disk.records;
  assert.ok(record !== undefined);
  const sound = store.read(1, 1, 1_000);
  assert.deepEqual(
    sound.map((block) => Buffer.from(block.bytes).toString()),
    ["Ax", "Byz"],
  );
  let found = 0;
  for (let bit = 0; bit < record.length * 8; bit += 1) {
    const at = bit >>> 3;
    record[at] = (record[at] ?? 0) ^ (1 << (bit & 7));
    try {
      // What other groups have in the record does not matter.
      assert.deepEqual(store.read(1, 1, 1_000), sound);
    } catch (error) {
      assert.ok(error instanceof RaftError, String(error));
      assert.equal(error.code, "ERR_STORE_CORRUPT");
      found += 1;
    }
    record[at] = (record[at] ?? 0) ^ (1 << (bit & 7));
  }
  // All bits of two blocks: 19 bytes each in the directory, and 5 bytes of payload.
  assert.equal(found, 8 * (2 * 19 + 5));
});

test("open refuses a log in which a record is missing", async () => {
  const disk = await diskOf(batchOf(1, 1), batchOf(1, 2), batchOf(1, 3));
  disk.records.splice(1, 1);
  assert.match(await refusalOf(disk), /record 2 says it is record 3/);
});

test("open refuses a log that ends before a group's first record", async () => {
  const disk = await diskOf(batchOf(1, 1), batchOf(2, 1));
  disk.records.pop();
  assert.match(await refusalOf(disk), /record 2 is missing: group 2 begins in it/);
});

test("open refuses a block that leaves a gap, and one that goes back in term", async () => {
  const gap = await diskOf(batchOf(1, 1));
  gap.records.push(recordOf(2, batchOf(1, 3).changes));
  assert.match(await refusalOf(gap), /record 2 leaves a gap: block 3 of group 1 follows entry 1/);
  const back = await diskOf(batchOf(1, 1));
  const block = makeBlock(2, 0, [Buffer.from("x")]);
  const change = { group: 1, commit: 0, ballot: undefined, blocks: [block] };
  back.records.push(recordOf(2, [change]));
  assert.match(await refusalOf(back), /of term 0 after term 1/);
});

test("open refuses a commit index beyond the last entry", async () => {
  const disk = await diskOf(batchOf(1, 1));
  disk.records.push(recordOf(2, [{ group: 1, commit: 2, ballot: undefined, blocks: [] }]));
  assert.match(await refusalOf(disk), /group 1 has committed 2 of 1 entries/);
});

test("open skips records of groups that are gone", async () => {
  const disk = await diskOf(batchOf(1, 1), batchOf(2, 1));
  disk.descriptors.delete(1);
  const groups = await new MemoryStore({ disk }).open();
  assert.deepEqual(
    groups.map(({ descriptor }) => descriptor.group),
    [2],
  );
});

test("a batch that open would refuse is refused by commit, whichever number is wrong", async () => {
  const store = new MemoryStore();
  await store.open();
  await store.commit(batchOf(1, 1));
  const block = makeBlock(2, 1, [Buffer.from("x")]);
  const change = { group: 1, commit: 0, ballot: undefined, blocks: [block] };
  const wrong: readonly [RegExp, Partial<CommitBatch>][] = [
    [/descriptor before/, { changes: [{ ...change, group: 2 }] }],
    [/descriptor before/, { changes: [change], removed: [1] }],
    [/once in a batch/, { changes: [change, change] }],
    [/committed 3 of 2/, { changes: [{ ...change, commit: 3 }] }],
    [/commit index -1/, { changes: [{ ...change, commit: -1 }] }],
    [/vote/, { changes: [{ ...change, ballot: { term: 1, vote: "no node!" } }] }],
    [/as ballot/, { changes: [{ ...change, ballot: { term: 0.5, vote: undefined } }] }],
    [/gap/, { changes: [{ ...change, blocks: [{ ...block, first: 3 }] }] }],
    [/out of order/, { changes: [{ ...change, blocks: [block, block] }] }],
    [/0 entries/, { changes: [{ ...change, blocks: [{ ...block, count: 0 }] }] }],
    [/after term 1/, { changes: [{ ...change, blocks: [{ ...block, term: 0 }] }] }],
    [/cannot be stored/, { changes: [{ ...change, blocks: [{ ...block, timeMs: 1.5 }] }] }],
  ];
  for (const [reason, batch] of wrong) {
    const done = store.commit({ changes: [], descriptors: [], removed: [], ...batch });
    await assert.rejects(done, reason);
  }
  await store.commit(batchOf(1, 2));
  assert.equal(store.stats().commits, 2);
});

test("indexBytesMax bounds the memory of the index: refused before anything is written, opened all the same", async () => {
  const indexBytesMax = 65_536;
  const store = new MemoryStore({ indexBytesMax });
  await store.open();
  let first = 1;
  for (; store.full() === undefined; first += 1) await store.commit(batchOf(1, first));
  const full = store.full();
  assert.deepEqual([full?.code, full?.outcome], ["ERR_STORE_FULL", "none"]);
  assert.match(full?.message ?? "", /the index in memory takes .* \(indexBytesMax\); raise/);
  let refused: unknown;
  for (; refused === undefined && first < 10_000; first += 1) {
    await store.commit(batchOf(1, first)).catch((error: unknown) => {
      refused = error;
    });
  }
  assert.ok(refused instanceof RaftError);
  assert.deepEqual([refused.code, refused.outcome], ["ERR_STORE_FULL", "none"]);
  const { indexBytes, commits } = store.stats();
  assert.ok(indexBytes !== undefined && indexBytes <= indexBytesMax, `${indexBytes} bytes`);
  assert.equal(store.disk.records.length, commits);
  const changes = [{ group: 1, commit: 0, ballot: { term: 9, vote: "a" }, blocks: [] }];
  await store.commit({ changes, descriptors: [], removed: [] });
  assert.equal(store.read(1, first - 2, 1)[0]?.first, first - 2);
  // At the next start, and also with a lower bound, what is there is opened.
  const lower = new MemoryStore({ disk: store.disk, indexBytesMax: 4_096 });
  const [group] = await lower.open();
  assert.equal(group?.lastIndex, first - 2);
  assert.equal(lower.full()?.code, "ERR_STORE_FULL");
  await lower.commit({ changes: [], descriptors: [], removed: [1] });
  assert.equal(lower.full(), undefined, "a removed group frees its part");
});
