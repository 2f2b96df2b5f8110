/**
 * A log in memory that a test holds up or fails by files: `held-SHARD` in the data directory keeps
 * that shard from opening for as long as it is there, `refused-SHARD` refuses to open it,
 * `broken-SHARD` fails its next commit.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RaftError } from "../../../src/index.ts";
import { MemoryStore } from "../../../src/log/index.ts";
import type { CreateLogStore, LogStore } from "../../../src/log/index.ts";

export const createLogStore: CreateLogStore = ({ dir, identity, durability }) => {
  const file = (what: string): string => join(dirname(dir), `${what}-${identity.shard}`);
  if (existsSync(file("refused"))) throw new Error("this module refuses the shard");
  const store = new MemoryStore({ durability });
  const open = store.open.bind(store);
  const commit = store.commit.bind(store);
  const held: LogStore = Object.assign(store, {
    async open() {
      while (existsSync(file("held"))) await sleep(5);
      return await open();
    },
    async commit(batch: Parameters<LogStore["commit"]>[0]) {
      if (existsSync(file("broken"))) throw new RaftError("ERR_STORE_FAILED", "the disk is gone");
      await commit(batch);
    },
  });
  return held;
};
