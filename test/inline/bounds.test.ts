/** What waits in a shard, and what one round writes, is bounded in bytes, whatever the groups. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupId } from "../../src/base/index.ts";
import type { CommitBatch } from "../../src/log/index.ts";
import { ShardCluster } from "./shard-cluster.ts";
import { TrialStore } from "./trial-store.ts";

/** Keeps account of what each commit wrote. */
class WatchedStore extends TrialStore {
  readonly written: { readonly bytes: number; readonly groups: readonly GroupId[] }[] = [];

  override commit(batch: CommitBatch): Promise<void> {
    let bytes = 0;
    const groups: GroupId[] = [];
    for (const { group, blocks } of batch.changes) {
      for (const block of blocks) bytes += block.bytes.length;
      if (blocks.length > 0) groups.push(group);
    }
    this.written.push({ bytes, groups });
    return super.commit(batch);
  }
}

async function startWatched(
  options: Parameters<typeof ShardCluster.start>[0],
): Promise<{ cluster: ShardCluster; stores: WatchedStore[] }> {
  const stores: WatchedStore[] = [];
  const cluster = await ShardCluster.start({
    ...options,
    makeStore: (_, disk) => {
      const store = new WatchedStore(disk);
      stores.push(store);
      return store;
    },
  });
  return { cluster, stores };
}

test("a round writes roundBytesMax of entries and a block at the most, of leaders and followers", async () => {
  const options = { roundBytesMax: 1_000, blockBytesMax: 300 };
  const { cluster, stores } = await startWatched({ options });
  const groups = [1, 2, 3, 4, 5, 6, 7, 8];
  for (const group of groups) await cluster.createGroup("a", group);
  for (const store of stores) store.holding = true;
  const client = cluster.client("a", 1);
  const calls = groups.flatMap((group) =>
    Array.from({ length: 20 }, () => client.propose(group, "x".repeat(200))),
  );
  for (let turn = 0; turn < 400 && client.unanswered.length > 0; turn += 1) {
    await cluster.run();
    // The followers' disks are slower: many rounds of the leader wait there.
    for (const [at, store] of stores.entries()) if (at === 0 || turn % 5 === 0) store.release();
  }
  for (const call of calls) assert.equal(call.results().length, 1);
  for (const { written } of stores) {
    const most = Math.max(...written.map(({ bytes }) => bytes));
    assert.ok(most > 1_000 && most <= 1_000 + 300, `${most} bytes in one round`);
  }
});

test("a group with little to write is not starved by others that fill every round", async () => {
  const options = { roundBytesMax: 1_000, blockBytesMax: 300 };
  const { cluster } = await startWatched({ options, nodes: ["a"] });
  for (const group of [1, 2, 3]) await cluster.createGroup("a", group);
  const client = cluster.client("a", 1);
  const large = [1, 2].flatMap((group) =>
    Array.from({ length: 100 }, () => client.propose(group, "x".repeat(200))),
  );
  const small = client.propose(3, "y");
  await cluster.run();
  assert.equal(
    large.every((call) => call.settled),
    true,
  );
  const position = client.answered.indexOf(small);
  assert.ok(position <= 20, `answered after ${position} others`);
});
