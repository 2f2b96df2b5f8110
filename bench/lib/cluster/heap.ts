/**
 * What a node's threads hold in memory after a full collection. No thread sees the heap of another,
 * so each worker is asked through one of its groups: the state machine `heap` runs there.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { shardOfGroup } from "../../../src/base/index.ts";
import type { Engine } from "../../../src/index.ts";

export interface HeapBytes {
  /** Of the main thread and all workers: JavaScript's heaps and the buffers outside. */
  readonly heapBytes: number;
  /** Resident memory of the whole process, garbage and freed pages included. */
  readonly rssBytes: number;
}

/** Of this thread, after everything that is garbage has been collected. */
export function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("This Node.js cannot be told to collect");
  collect();
  const { used_heap_size: used, external_memory: external } = getHeapStatistics();
  return used + external;
}

/** Where each shard of an engine has a group, and its machine is `heap`. */
export async function heapOfNode(engine: Engine, shards: number): Promise<HeapBytes> {
  const asked = firstGroupOfEach(shards).map(async (group) => {
    const { value } = await engine.readLocal(group, new Uint8Array(1));
    return new DataView(value.buffer, value.byteOffset).getFloat64(0, true);
  });
  const workers = await Promise.all(asked);
  return {
    heapBytes: workers.reduce((sum, bytes) => sum + bytes, heapBytes()),
    rssBytes: process.memoryUsage.rss(),
  };
}

/** With so many groups, numbered from 0 on, every shard has one. */
export function groupsForEachShard(shards: number): number {
  return Math.max(...firstGroupOfEach(shards)) + 1;
}

function firstGroupOfEach(shards: number): number[] {
  const first = new Map<number, number>();
  for (let group = 0; first.size < shards; group += 1) {
    const shard = shardOfGroup(group, shards);
    if (!first.has(shard)) first.set(shard, group);
  }
  return [...first.values()];
}
