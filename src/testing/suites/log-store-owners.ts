/**
 * Cases of `logStoreSuite` about two stores on one place, as after the lock of a data directory was
 * lost. A store may refuse a place that is in use. If it opens, the older store has lost the place:
 * it commits nothing more, and what it has acknowledged is there.
 */
import assert from "node:assert/strict";
import { RaftError } from "../../base/index.ts";
import type { CommitBatch, LogStore } from "../../log/index.ts";
import { makeBlock } from "../make-block.ts";
import { bytesOf, change, descriptorOf } from "./store-trial.ts";
import type { StoreCase } from "./store-trial.ts";

function batchOf(first: number, text: string): CommitBatch {
  const blocks = [makeBlock(first, 1, bytesOf(text))];
  const descriptors = first === 1 ? [descriptorOf(1)] : [];
  return { changes: [change(1, blocks)], descriptors, removed: [] };
}

async function assertLost(store: LogStore): Promise<void> {
  await assert.rejects(store.commit(batchOf(2, "of the older store")), (error) => {
    assert.ok(error instanceof RaftError, String(error));
    assert.equal(error.code, "ERR_STORE_FAILED");
    return true;
  });
}

export const logStoreOwnerCases: readonly StoreCase[] = [
  {
    name: "a store over which another was opened commits nothing more, and overwrites nothing",
    run: async (trial) => {
      await trial.open();
      await trial.commit(batchOf(1, "first"));
      const next = await trial.openOver();
      if (next === undefined) return;
      // Before and after the newer store has written, and while it is open and closed.
      await assertLost(trial.store);
      await next.commit(batchOf(2, "second"));
      await assertLost(trial.store);
      await next.close();
      await assertLost(trial.store);
      await trial.open();
      assert.deepEqual(trial.entries(1), ["first", "second"]);
    },
  },
  {
    name: "a store that is closed after another was opened over it takes nothing from that one",
    run: async (trial) => {
      await trial.open();
      await trial.commit(batchOf(1, "first"));
      const next = await trial.openOver();
      if (next === undefined) return;
      await next.commit(batchOf(2, "second"));
      await trial.store.close();
      await next.commit(batchOf(3, "third"));
      await next.close();
      await trial.open();
      assert.deepEqual(trial.entries(1), ["first", "second", "third"]);
    },
  },
  {
    name: "a commit that is in flight while another store is opened is found by it, or rejected",
    run: async (trial) => {
      await trial.open();
      await trial.commit(batchOf(1, "first"));
      const inFlight = trial.store.commit(batchOf(2, "second")).then(
        () => true,
        () => false,
      );
      const next = await trial.openOver();
      const acknowledged = await inFlight;
      if (next === undefined) return;
      const found = next.read(1, 2, 1_000).length;
      assert.ok(found > 0 || !acknowledged, "what was acknowledged is there");
      await next.commit(batchOf(2 + found, "third"));
      await next.close();
      await trial.open();
      assert.equal(trial.entries(1).at(-1), "third");
    },
  },
];
