import assert from "node:assert/strict";
import { test } from "node:test";
import { PoolShare } from "../../../src/engine/pool-share.ts";

test("logs leave one thread of libuv's pool to the embedder at least, whatever the shards and engines", () => {
  const shares = [
    { shards: 1, threads: 1, jobs: 0 },
    { shards: 1, threads: 3, jobs: 2 },
    { shards: 1, threads: 4, jobs: 3 },
    { shards: 2, threads: 4, jobs: 1 },
    { shards: 4, threads: 4, jobs: 0 },
    { shards: 4, threads: 64, jobs: 3 },
  ];
  for (const { shards, threads, jobs } of shares) {
    const share = new PoolShare(shards, threads);
    assert.equal(share.jobs, jobs, `${shards} shards, ${threads} threads`);
    assert.ok(share.jobs * shards < threads);
    assert.equal(share.needsThread, jobs < 3);
    share.release();
  }
  const first = new PoolShare(1, 4);
  const second = new PoolShare(1, 4);
  assert.equal(second.jobs, 0, "the first has used up what the process can spare");
  first.release();
  second.release();
  assert.equal(new PoolShare(1, 4).jobs, 3);
});
