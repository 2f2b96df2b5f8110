/**
 * Two processes on one store, as after the lock of a data directory was lost: what keeps the older
 * one from writing is in the log itself.
 */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { withDir } from "../fixtures/store-places.ts";
import { createTrialStore } from "./trial-store.ts";
import type { TrialStore } from "./trial-store.ts";

const holder = fileURLToPath(new URL("../fixtures/store-holder.js", import.meta.url));

async function answerOf(child: ChildProcess): Promise<string> {
  return String((await once(child, "message", { signal: AbortSignal.timeout(20_000) }))[0]);
}

for (const kind of ["lmdb", "segments"] as const) {
  test(`${kind}: a process that was stopped while another opened its log cannot write to it`, async (t) => {
    await withDir(async (dir) => {
      const options: TrialStore = { dir, kind, durability: "strict" };
      const start = async (): Promise<ChildProcess> => {
        const child = fork(holder, [JSON.stringify(options)]);
        t.after(() => child.kill("SIGKILL"));
        assert.equal(await answerOf(child), "open");
        return child;
      };
      const commit = async (child: ChildProcess, first: number): Promise<string> => {
        const answer = answerOf(child);
        child.send(first);
        return await answer;
      };
      const old = await start();
      assert.equal(await commit(old, 1), "ok");
      old.kill("SIGSTOP");
      const next = await start();
      assert.equal(await commit(next, 2), "ok");
      old.kill("SIGCONT");
      assert.match(await commit(old, 2), /another process has opened/);
      assert.equal(await commit(next, 3), "ok");
      for (const child of [old, next]) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      const store = createTrialStore(options, 131_072);
      const [group] = await store.open();
      assert.equal(group?.lastIndex, 3);
      await store.close();
    });
  });
}
