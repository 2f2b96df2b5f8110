/** The stores that these tests are about, by name, for processes that are told which one to open. */
import { LmdbStore, SegmentStore } from "../../src/log/index.ts";
import type { Durability, LogStore } from "../../src/log/index.ts";
import { ThreadedLmdbStore, ThreadedSegmentStore } from "../fixtures/log-thread.ts";
import { testIdentity } from "../fixtures/store-places.ts";

export type StoreKind = "lmdb" | "segments";

/** A store, as a process is told of it. */
export interface TrialStore {
  readonly dir: string;
  readonly kind: StoreKind;
  readonly durability: Durability;
}

/** Every kind in every mode of its own that acknowledges nothing before it is durable. */
export const durableKinds = [
  { kind: "lmdb", durability: "strict" },
  { kind: "lmdb", durability: "pipelined" },
  { kind: "segments", durability: "strict" },
] as const;

/** Small, so that a workload goes through several. */
const segmentBytes = 131_072;

/** As `createTrialStore`, with the thread that a log of this kind has in an engine. */
export function createThreadedStore(store: TrialStore, preallocateBytes: number): LogStore {
  const { kind, dir, durability } = store;
  if (kind === "lmdb") {
    return new ThreadedLmdbStore({ dir, durability, identity: testIdentity, preallocateBytes });
  }
  return new ThreadedSegmentStore({ dir, durability, identity: testIdentity, segmentBytes });
}

/** @param preallocateBytes of LMDB's file; segments have a size of their own */
export function createTrialStore(
  { dir, kind, durability }: TrialStore,
  preallocateBytes: number,
): LogStore {
  const common = { dir, durability, identity: testIdentity };
  if (kind === "segments") return new SegmentStore({ ...common, segmentBytes });
  return new LmdbStore({ ...common, preallocateBytes });
}
