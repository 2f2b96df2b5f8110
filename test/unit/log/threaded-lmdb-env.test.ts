import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { MessageChannel } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { RaftError } from "../../../src/base/index.ts";
import { ensureStore, openStore } from "../../../src/log/lmdb-directory.ts";
import type { LmdbEnv } from "../../../src/log/lmdb-env.ts";
import { LmdbThread, serveLmdbWork } from "../../../src/log/lmdb-thread.ts";
import type { LmdbThreadOptions } from "../../../src/log/lmdb-thread.ts";
import { ThreadedLmdbEnv } from "../../../src/log/threaded-lmdb-env.ts";
import { testIdentity, withDir } from "../../fixtures/store-places.ts";

const sizes = { mapBytes: 2 ** 26, preallocateBytes: 131_072 };
const recordOf = (sequence: number): Uint8Array => new Uint8Array(50).fill(sequence);

interface Rig {
  readonly env: ThreadedLmdbEnv;
  readonly far: MessagePort;
  /** Writes record `sequence` as if it took so many milliseconds; what `write` has returned. */
  readonly write: (sequence: number, ms: number) => void | Promise<void>;
}

/** An environment whose thread is the far end of a port, with its clock in the test's hand. */
async function withRig(t: TestContext, run: (rig: Rig) => Promise<void>): Promise<void> {
  const { port1: near, port2: far } = new MessageChannel();
  t.after(() => near.close());
  let nowMs = 0;
  let stepMs = 0;
  const clock = (): number => {
    nowMs += stepMs;
    return nowMs;
  };
  await withDir(async (dir) => {
    const options = { dir, durability: "strict", ...sizes } as const;
    await ensureStore(options, testIdentity, 0);
    const own = await openStore(options, 0);
    const work = { thread: new LmdbThread(near), nowMs: clock };
    const env = new ThreadedLmdbEnv(own, work, options);
    await env.claim([]);
    const write = (sequence: number, ms: number): void | Promise<void> => {
      stepMs = ms;
      return env.write([], sequence, recordOf(sequence));
    };
    await run({ env, far, write });
    await env.close();
  });
}

/** The thread's end, in the test's hand: what is asked of it, one call at a time. */
async function nextCall(far: MessagePort): Promise<{ kind: string }> {
  return (await once(far, "message", { signal: AbortSignal.timeout(20_000) }))[0];
}

test("a shard writes to LMDB itself until its disk stalls, then on the thread, and reads what that wrote", async (t) => {
  await withRig(t, async ({ env, far, write }) => {
    serveLmdbWork(far);
    assert.equal(write(1, 249), undefined);
    assert.equal(write(2, 250), undefined, "nobody knew");
    const { sequence, promise } = await untilOnThread(3, write);
    await promise;
    assert.equal(env.lastSequence(), sequence);
    assert.deepEqual([...(env.record(sequence) ?? [])], [...recordOf(sequence)]);
  });
});

/** Writes until the thread has opened the log and takes one. */
async function untilOnThread(
  from: number,
  write: Rig["write"],
): Promise<{ sequence: number; promise: Promise<void> }> {
  for (let sequence = from; sequence < from + 10_000; sequence += 1) {
    const promise = write(sequence, 0);
    if (promise !== undefined) return { sequence, promise };
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("the thread takes nothing");
}

test("a write on LMDB's thread has ended when the thread says so, can be read before, and keeps the shard from writing", async (t) => {
  await withRig(t, async ({ env, far, write }) => {
    assert.equal(write(1, 250), undefined);
    for (const kind of ["start", "open"]) {
      assert.equal((await nextCall(far)).kind, kind);
      far.postMessage(0);
    }
    const { sequence, promise } = await untilOnThread(2, write);
    let ended = false;
    const first = promise.then(() => {
      ended = true;
    });
    assert.equal((await nextCall(far)).kind, "write");
    const second = write(sequence + 1, 0);
    assert.ok(second !== undefined, "LMDB's lock is the thread's");
    assert.equal((await nextCall(far)).kind, "write");
    assert.ok(!ended);
    assert.deepEqual(env.record(sequence), recordOf(sequence));
    assert.deepEqual(env.record(sequence + 1), recordOf(sequence + 1));
    far.postMessage(0);
    await first;
    far.postMessage(0);
    await second;
    far.close();
  });
});

interface ServedThread {
  readonly thread: LmdbThread;
  /** The shard's environment, which has claimed the log. */
  readonly own: LmdbEnv;
  readonly options: LmdbThreadOptions;
}

/** LMDB's thread in this one, before it has the log open. */
async function withServedThread(
  t: TestContext,
  run: (served: ServedThread) => Promise<void>,
): Promise<void> {
  const { port1: near, port2: far } = new MessageChannel();
  t.after(() => near.close());
  serveLmdbWork(far);
  const thread = new LmdbThread(near);
  await withDir(async (dir) => {
    const options = { dir, durability: "strict", ...sizes } as const;
    await ensureStore(options, testIdentity, 0);
    const own = await openStore(options, 0);
    own.claim([]);
    await run({ thread, own, options });
    await thread.close();
    await own.close();
  });
}

test("behind a write that failed on LMDB's thread, none succeeds", async (t) => {
  await withServedThread(t, async ({ thread, own, options }) => {
    await thread.open(options, own.epoch);
    const write = (sequence: number): Promise<void> =>
      thread.write({
        metas: [],
        sequence,
        record: thread.share(recordOf(sequence)),
        takenBytes: 0,
      });
    await write(2);
    const behind = [1, 3].map((sequence) => write(sequence).catch(String));
    assert.deepEqual(await Promise.all(behind), Array(2).fill("Error: lmdb refused the key"));
    await assert.rejects(thread.sync(), /lmdb refused the key/);
  });
});

test("LMDB's thread writes under the shard's claim alone", async (t) => {
  await withServedThread(t, async ({ thread, own, options }) => {
    const { epoch } = own;
    // Another opener, before the thread has the log open.
    own.claim([]);
    await thread.open(options, epoch);
    const write = thread.write({ metas: [], takenBytes: 0 });
    await assert.rejects(write, (error) => {
      assert.ok(error instanceof RaftError);
      assert.equal(error.code, "ERR_STORE_FAILED");
      return /another process has opened/.test(error.message);
    });
  });
});

test("where the thread cannot open the log, the shard goes on writing", async (t) => {
  await withRig(t, async ({ far, write }) => {
    assert.equal(write(1, 250), undefined);
    await nextCall(far);
    far.close();
    await once(far, "close");
    for (let sequence = 2; sequence < 10; sequence += 1) {
      assert.equal(write(sequence, 250), undefined);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});
