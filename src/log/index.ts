/**
 * log: where a shard's replicas keep entries, terms and votes. May use base, raft and wire. It
 * never knows of sockets or of what the entries mean. `FORMAT.md` says what every byte on disk
 * means.
 */
export { mapFault } from "./address-space.ts";
export { flushPath, makeDurableDir } from "./durable-name.ts";
export { ThreadWork } from "./file-thread.ts";
export type { LmdbStoreOptions } from "./lmdb-store.ts";
export { LmdbStore } from "./lmdb-store.ts";
export { LmdbThread } from "./lmdb-thread.ts";
export type * from "./log-env.ts";
export type * from "./log-store.ts";
export type { MemoryStoreOptions } from "./memory-store.ts";
export { MemoryDisk, MemoryStore } from "./memory-store.ts";
export { identityEntry } from "./meta-entry.ts";
export type { RecordStoreOptions, Soon } from "./record-store.ts";
export { RecordStore } from "./record-store.ts";
export type { Sequence } from "./record-format.ts";
export { recordFormat } from "./record-format.ts";
export type * from "./segment-files.ts";
export { writeLanes } from "./segment-files.ts";
export type { FrameHead, SegmentNumber } from "./segment-format.ts";
export { decodeFrameHead, segmentFormat } from "./segment-format.ts";
export { openSegmentEnv } from "./segment-opening.ts";
export type { SegmentStoreOptions } from "./segment-store.ts";
export { SegmentStore } from "./segment-store.ts";
export { usedUpCodes } from "./used-up.ts";
