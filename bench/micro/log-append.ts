/** One commit of a round: the record of many groups is laid, written, and flushed as asked for. */
import { join } from "node:path";
import { LmdbStore, MemoryDisk, MemoryStore } from "../../src/log/index.ts";
import type { LogStore, StoreIdentity } from "../../src/log/index.ts";
import { batchOf, openWithGroups } from "./sample-store.ts";
import type { MicroCase, MicroSuite } from "./suite.ts";

const groups = 16;
const shape = { entries: 16, entryBytes: 16 };
/**
 * After so many blocks a log begins anew: a store keeps what it is given, and memory for minutes of
 * commits is not what is measured.
 */
const logBlocks = 256;

const identity: StoreIdentity = {
  cluster: "bench",
  node: "n1",
  incarnation: 1,
  shard: 0,
  shards: 1,
};

function caseOf(name: string, store: LogStore, onRestart: () => void = () => {}): MicroCase {
  const batches = Array.from({ length: logBlocks }, (_, at) =>
    batchOf(groups, shape, at * shape.entries + 1),
  );
  let next = 0;
  return {
    name: `${name}: ${groups} groups of ${shape.entries} entries of ${shape.entryBytes} B`,
    operation: "commit",
    operations: 1,
    run: () => {
      const batch = batches[next % logBlocks];
      if (next % logBlocks === 0) onRestart();
      next += 1;
      return batch === undefined ? undefined : store.commit(batch);
    },
  };
}

export const logAppendSuite: MicroSuite = {
  name: "log-append",
  prepare: async (dir) => {
    const disk = new MemoryDisk();
    const memory = new MemoryStore({ disk });
    const unflushed = new LmdbStore({ dir: join(dir, "none"), identity, durability: "none" });
    const strict = new LmdbStore({ dir: join(dir, "strict"), identity, durability: "strict" });
    const stores = [memory, unflushed, strict];
    await Promise.all(stores.map((store) => openWithGroups(store, groups)));
    return {
      cases: [
        caseOf("memory", memory, () => {
          disk.records.length = 0;
        }),
        caseOf("LMDB none", unflushed),
        caseOf("LMDB strict", strict),
      ],
      close: async () => {
        await Promise.all(stores.map((store) => store.close()));
      },
    };
  },
};
