/** The workload's own model against a store in memory, in the branches that few seeds take, too. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../src/log/index.ts";
import { StoreWorkload, stateDigest } from "./store-workload.ts";

const seeds = 20;
const commits = 100;
/** Often enough that commits of removals alone would come up in each seed. */
const removalRate = 0.4;

test("the state that a workload tells after its commits is the state of the store", async () => {
  let removals = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const workload = new StoreWorkload(seed, removalRate);
    const store = new MemoryStore();
    await store.open();
    for (let commit = 1; commit <= commits; commit += 1) {
      const batch = workload.next();
      assert.equal(workload.commits, commit, `seed ${seed}: each call makes one commit`);
      removals += batch.removed.length;
      await store.commit(batch);
    }
    await store.close();
    const found = new MemoryStore({ disk: store.disk });
    const digest = stateDigest(found, await found.open());
    assert.equal(digest, workload.digest(), `seed ${seed}`);
    await found.close();
  }
  assert.ok(removals > seeds, `${removals} removals`);
});
