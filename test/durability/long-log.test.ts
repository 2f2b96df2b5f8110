/**
 * Logs of millions of blocks. One million in each store by default; the twenty million at which an
 * index on the heap ends the process take a minute:
 *
 *      npm test -- --only long-log --rounds 20
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LmdbStore, SegmentStore } from "../../src/log/index.ts";
import type { LogStore } from "../../src/log/index.ts";
import { blockKind, encodeEntries } from "../../src/raft/index.ts";
import { crc32c } from "../../src/wire/index.ts";
import { roundsOf } from "../integration/random-seed.ts";

const identity = { cluster: "test", node: "a", incarnation: 1, shard: 0, shards: 1 };
const members = [{ node: "a", incarnation: 1 }];
const groups = 4;
const blocksPerRecord = 500;
const records = roundsOf(1) * 500;
/** Of each group. */
const lastIndex = records * blocksPerRecord;

const stores: Readonly<Record<string, (dir: string) => LogStore>> = {
  lmdb: (dir) => new LmdbStore({ dir, identity, durability: "none" }),
  segments: (dir) => new SegmentStore({ dir, identity, durability: "none" }),
};

/** Writes blocks of one entry, the smallest that there are, and so the most for a log's bytes. */
async function write(store: LogStore): Promise<void> {
  const bytes = encodeEntries([new Uint8Array(0)]);
  const blocks = Array.from({ length: blocksPerRecord }, (_, at) => ({
    first: at + 1,
    term: 1,
    kind: blockKind.command,
    count: 1,
    timeMs: 1_700_000_000_000,
    checksum: crc32c(bytes),
    bytes,
  }));
  const numbers = Array.from({ length: groups }, (_, at) => at + 1);
  const changes = numbers.map((group) => ({ group, commit: 0, ballot: undefined, blocks }));
  const descriptors = numbers.map((group) => ({
    group,
    members,
    state: "running" as const,
    reason: "",
  }));
  for (let record = 0; record < records; record += 1) {
    await store.commit({ changes, descriptors: record === 0 ? descriptors : [], removed: [] });
    for (const block of blocks) block.first += blocksPerRecord;
  }
}

function check(store: LogStore): void {
  const { indexBytes } = store.stats();
  assert.ok(indexBytes !== undefined && indexBytes < lastIndex * groups, `${indexBytes} bytes`);
  for (const from of [1, 777, Math.floor(lastIndex / 2), lastIndex]) {
    const found = store.read(3, from, 100);
    assert.equal(found[0]?.first, from);
    assert.equal(found.length, Math.min(100, lastIndex - from + 1));
  }
}

for (const [name, open] of Object.entries(stores)) {
  test(`${name}: a log of ${lastIndex * groups} blocks is written, read, and opens again, with an index below a byte a block`, async () => {
    const dir = mkdtempSync(join(tmpdir(), "long-log-"));
    try {
      const store = open(dir);
      await store.open();
      await write(store);
      check(store);
      await store.close();
      const again = open(dir);
      const found = await again.open();
      assert.deepEqual(
        found.map((group) => group.lastIndex),
        Array.from({ length: groups }, () => lastIndex),
      );
      check(again);
      await again.close();
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
}
