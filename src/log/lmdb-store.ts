/**
 * LmdbStore: a RecordStore over LMDB in a directory of its own. LMDB works on the calling thread,
 * or on one beside it: see ThreadedLmdbEnv.
 *
 * Why `pipelined` is safe: LMDB commits by writing one of two meta pages in turn. Commit N has
 * flushed its pages but only written its meta page, so a power cut may bring back the state of N-1,
 * whole, since N+1 reuses none of its pages. The flush of N+1 (or of the idle turn) covers the meta
 * page of N: from then on N stays.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { soonInEventLoop } from "./event-loop.ts";
import { ensureStore, openStore } from "./lmdb-directory.ts";
import { isCorruption } from "./lmdb-env.ts";
import type { Durability, StoreIdentity } from "./log-store.ts";
import { corruptMeta } from "./meta-entry.ts";
import { RecordStore } from "./record-store.ts";
import type { RecordStoreOptions } from "./record-store.ts";
import { dataFile } from "./store-form.ts";
import { markStore, refuseLostStore } from "./store-mark.ts";
import { ThreadedLmdbEnv, threadWritesMax } from "./threaded-lmdb-env.ts";
import type { LmdbWork } from "./threaded-lmdb-env.ts";

export interface LmdbStoreOptions {
  /** Directory of this store alone; created where it is missing. */
  readonly dir: string;
  readonly identity: StoreIdentity;
  /** Where the file is kept that says that this store has been made. @default nowhere */
  readonly mark?: string | undefined;
  readonly durability: Durability;
  /**
   * How far the file may grow; so much address space it takes from the beginning. A file that is
   * larger is opened, and takes no more entries.
   * @default 64 GiB
   */
  readonly mapBytes?: number | undefined;
  /**
   * Size to which a new file is grown in advance, since commits into a growing file take up to
   * twice as long. @default 16 MiB
   */
  readonly preallocateBytes?: number | undefined;
  /** Bound of the memory that tells where entries lie; see the engine. @default 2 GiB */
  readonly indexBytesMax?: number | undefined;
  /** A thread that writes, so that the caller need not wait for the disk. @default none */
  readonly work?: LmdbWork | undefined;
}

const mapBytesDefault = 64 * 2 ** 30;
const preallocateBytesDefault = 16_777_216;

export class LmdbStore extends RecordStore {
  constructor(options: LmdbStoreOptions) {
    super(recordStoreOptions(options));
  }
}

function recordStoreOptions(options: LmdbStoreOptions): RecordStoreOptions {
  const { dir, identity, durability, mark, work } = options;
  const mapBytes = options.mapBytes ?? mapBytesDefault;
  const preallocateBytes = options.preallocateBytes ?? preallocateBytesDefault;
  const dataPath = join(dir, dataFile);
  return {
    name: dir,
    identity,
    durability,
    openEnv: async () => {
      const envOptions = { dir, durability, mapBytes };
      refuseLostStore(dir, mark);
      await ensureStore(envOptions, identity, preallocateBytes);
      markStore(mark);
      const env = await openStore(envOptions, preallocateBytes);
      return work === undefined
        ? env
        : new ThreadedLmdbEnv(env, work, { ...envOptions, preallocateBytes });
    },
    commitsInFlightMax: work && threadWritesMax,
    soon: soonInEventLoop,
    indexBytesMax: options.indexBytesMax,
    bytesStored: () => statSync(dataPath, { throwIfNoEntry: false })?.size ?? 0,
    damageOf: (error) =>
      isCorruption(error) ? corruptMeta(`${dir} is not a sound LMDB directory`, error) : undefined,
  };
}
