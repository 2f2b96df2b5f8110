/**
 * A record holds entries of many groups. Those that follow the log side by side, as after a restart
 * or for a follower that was away, must find it in memory once it has been read: else a thousand
 * groups read each record of some MiB a thousand times.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordStore } from "../../../src/log/index.ts";
import type { LogEnv, MetaEntry, MetaWrite, Sequence } from "../../../src/log/index.ts";
import { lastIndexOf } from "../../../src/raft/index.ts";
import { DiskWindow } from "../../../src/shard/disk-window.ts";
import { makeBlock } from "../../../src/testing/index.ts";

const groups = 100;
const rounds = 60;

/** Records in memory, and how often they were asked for. */
class CountedEnv implements LogEnv {
  readonly flushesPerWrite = 0;
  readonly records: Uint8Array[] = [];
  reads = 0;

  write(_: readonly MetaWrite[], sequence?: Sequence, record?: Uint8Array): void {
    if (sequence !== undefined && record !== undefined) this.records.push(record.slice());
  }

  claim(): void {}

  record(sequence: Sequence): Uint8Array | undefined {
    this.reads += 1;
    return this.records[sequence - 1];
  }

  lastSequence(): Sequence {
    return this.records.length;
  }

  recordCount(): number {
    return this.records.length;
  }

  metas(): MetaEntry[] {
    return [];
  }

  meta(): undefined {}

  sync(): void {}

  async close(): Promise<void> {}
}

/** One block of every group in each record. */
async function filled(env: CountedEnv, arenaBytes: number, valueBytes: number) {
  const store = new RecordStore({
    name: "counted records",
    identity: undefined,
    durability: "none",
    openEnv: async () => env,
    soon: () => () => {},
    bytesStored: () => 0,
    arenaBytes,
  });
  await store.open();
  const numbers = Array.from({ length: groups }, (_, at) => at + 1);
  const members = [{ node: "a", incarnation: 1 }];
  const descriptors = numbers.map((group) => ({
    group,
    members,
    state: "running" as const,
    reason: "",
  }));
  for (let index = 1; index <= rounds; index += 1) {
    const blocks = [makeBlock(index, 1, [Buffer.alloc(valueBytes, index)])];
    const changes = numbers.map((group) => ({ group, commit: 0, ballot: undefined, blocks }));
    await store.commit({ changes, descriptors: index === 1 ? descriptors : [], removed: [] });
  }
  return store;
}

/** Gives a turn that reads so many bytes of each group, until it says that all are at their ends. */
function followLog(store: RecordStore, window: DiskWindow, bytesMax: number): () => boolean {
  const next = new Map(Array.from({ length: groups }, (_, at) => [at + 1, 1]));
  return () => {
    window.turn(store.readSpan());
    for (const [group, from] of next) {
      if (!window.admits(store.position(group, from))) continue;
      const newest = store.read(group, from, bytesMax).at(-1);
      assert.ok(newest !== undefined, `group ${group} has entry ${from}`);
      next.set(group, lastIndexOf(newest) + 1);
      if (lastIndexOf(newest) === rounds) next.delete(group);
    }
    return next.size > 0;
  };
}

for (const [title, { arenaBytes, valueBytes }] of Object.entries({
  "small records": { arenaBytes: 65_536, valueBytes: 20 },
  "records of which a few fit": { arenaBytes: 65_536, valueBytes: 300 },
  "records that fit one at a time": { arenaBytes: 65_536, valueBytes: 1_200 },
  "records larger than the memory for them": { arenaBytes: 1_024, valueBytes: 300 },
})) {
  test(`groups side by side read each record about once: ${title}`, async () => {
    const env = new CountedEnv();
    const store = await filled(env, arenaBytes, valueBytes);
    const turns = [64, 100_000].map((bytesMax) => followLog(store, new DiskWindow(), bytesMax));
    for (const turn of turns) {
      env.reads = 0;
      while (turn());
      assert.ok(env.reads <= 2 * rounds, `${rounds} records were read ${env.reads} times`);
    }
    await store.close();
  });
}

test("two readers at different places of the log do not drive out each other's records", async () => {
  const env = new CountedEnv();
  const store = await filled(env, 65_536, 300);
  const early = followLog(store, new DiskWindow(), 64);
  const late = followLog(store, new DiskWindow(), 64);
  for (let turn = 0; turn < 15; turn += 1) assert.ok(late());
  env.reads = 0;
  // The one ahead ends first; a turn with nothing left to read does nothing.
  while (early()) late();
  assert.ok(env.reads <= 4 * rounds, `${rounds} records were read ${env.reads} times`);
  await store.close();
});
