/**
 * SegmentStore: a RecordStore over segment files in a directory of its own. A commit is one write
 * on another thread, which flushes the device once; the shard continues meanwhile, and up to two
 * commits are in flight. `pipelined` is `strict` here, since there is no second flush to save.
 */
import { soonInEventLoop } from "./event-loop.ts";
import type { Durability, StoreIdentity } from "./log-store.ts";
import { identityEntry } from "./meta-entry.ts";
import { RecordStore } from "./record-store.ts";
import type { RecordStoreOptions } from "./record-store.ts";
import { SegmentDirectory } from "./segment-directory.ts";
import type { SegmentWork } from "./segment-directory.ts";
import { writeLanes } from "./segment-files.ts";
import { segmentFormat } from "./segment-format.ts";
import { openSegmentEnv } from "./segment-opening.ts";
import { markStore, refuseLostStore } from "./store-mark.ts";

export interface SegmentStoreOptions {
  /** Directory of this store alone; created where it is missing. */
  readonly dir: string;
  readonly identity: StoreIdentity;
  /** Where the file is kept that says that this store has been made. @default nowhere */
  readonly mark?: string | undefined;
  readonly durability: Durability;
  /**
   * Size of a segment, rounded down to a multiple of 4 KiB; at least 16 KiB. One is made in advance
   * when the last is half full. @default 16 MiB
   */
  readonly segmentBytes?: number | undefined;
  /** Bound of the memory that tells where entries lie; see the engine. @default 2 GiB */
  readonly indexBytesMax?: number | undefined;
  /** Who writes; by default libuv's pool. */
  readonly work?: SegmentWork | undefined;
}

const segmentBytesDefault = 16_777_216;
const segmentBytesMin = 16_384;

export class SegmentStore extends RecordStore {
  constructor(options: SegmentStoreOptions) {
    super(recordStoreOptions(options));
  }
}

function recordStoreOptions(options: SegmentStoreOptions): RecordStoreOptions {
  const { dir, identity, mark } = options;
  const { blockBytes } = segmentFormat;
  const asked = Math.max(segmentBytesMin, options.segmentBytes ?? segmentBytesDefault);
  const segmentBytes = asked - (asked % blockBytes);
  const durable = options.durability !== "none";
  const files = new SegmentDirectory(dir, durable, options.work);
  const nextTurn = (): Promise<void> =>
    new Promise((resolve) => {
      soonInEventLoop(resolve);
    });
  return {
    name: dir,
    identity,
    durability: durable ? "strict" : "none",
    commitsInFlightMax: writeLanes,
    openEnv: async () => {
      refuseLostStore(dir, mark);
      const envOptions = { files, segmentBytes, durable };
      const env = await openSegmentEnv(envOptions, identityEntry(identity), nextTurn);
      try {
        markStore(mark);
      } catch (error) {
        await env.close();
        throw error;
      }
      return env;
    },
    soon: soonInEventLoop,
    indexBytesMax: options.indexBytesMax,
    bytesStored: () => files.bytesStored,
  };
}
