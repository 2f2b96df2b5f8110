/**
 * MemoryStore: a LogStore that keeps its records in memory, encoded as on disk and recovered by the
 * same code, so that whatever runs on it sees the same log as on LMDB. A MemoryDisk outlives its
 * store: opening a new store on it is a restart, and shuts out the old one, as a process that is
 * gone can no longer write.
 */
import { assert } from "../base/index.ts";
import type { GroupId, Index, RaftError } from "../base/index.ts";
import type { Block } from "../raft/index.ts";
import { LogState, encodePrepared } from "./log-state.ts";
import type { PreparedBatch } from "./log-state.ts";
import type { CommitBatch, Durability, LogStore, RecoveredGroup, StoreStats } from "./log-store.ts";
import { decodeDescriptor, descriptorKey, encodeDescriptor } from "./meta-entry.ts";
import { readBlocks } from "./read-blocks.ts";
import { corruptRecord, decodeRecord } from "./record.ts";
import { storeNotOpen } from "./store-failure.ts";

/** What would be on the disk. Its bytes may be changed to test what recovery says to it. */
export class MemoryDisk {
  /** Record n is `records[n - 1]`. */
  readonly records: Uint8Array[] = [];
  readonly descriptors: Map<GroupId, Uint8Array> = new Map();
  /** The store that may write. */
  owner: MemoryStore | undefined;
}

export interface MemoryStoreOptions {
  readonly disk?: MemoryDisk | undefined;
  /**
   * What the store says of itself; a commit resolves in the next microtask in any case. @default
   * "strict"
   */
  readonly durability?: Durability | undefined;
}

export class MemoryStore implements LogStore {
  readonly durability: Durability;
  readonly commitsInFlightMax: number = 1;
  readonly disk: MemoryDisk;
  readonly #logState = new LogState();
  #state: "new" | "open" | "closed" = "new";
  #commits = 0;
  #bytesWritten = 0;

  constructor(options: MemoryStoreOptions = {}) {
    this.durability = options.durability ?? "strict";
    this.disk = options.disk ?? new MemoryDisk();
  }

  async open(): Promise<readonly RecoveredGroup[]> {
    assert(this.#state === "new", "a store is opened once");
    this.disk.owner = this;
    for (const [group, value] of this.disk.descriptors) {
      this.#logState.adopt(decodeDescriptor(descriptorKey(group), value));
    }
    for (const [at, record] of this.disk.records.entries()) {
      this.#logState.replay(at + 1, decodeRecord(record, at + 1));
    }
    this.#logState.checkComplete();
    this.#state = "open";
    return this.#logState.recovered();
  }

  async commit(batch: CommitBatch): Promise<void> {
    const refusal = this.#refusal("commit");
    if (refusal !== undefined) throw refusal;
    this.#write(this.#logState.prepare(batch));
    // Never resolved when the call returns, like a real disk.
    await Promise.resolve();
  }

  read(group: GroupId, from: Index, bytesMax: number): readonly Block[] {
    const refusal = this.#refusal("read");
    if (refusal !== undefined) throw refusal;
    const index = this.#logState.indexOf(group);
    if (index === undefined) return [];
    return readBlocks(index, from, bytesMax, (sequence) => {
      const record = this.disk.records[sequence - 1];
      if (record === undefined) throw corruptRecord(sequence, "is missing");
      return record;
    });
  }

  position(group: GroupId, index: Index): number {
    return this.#logState.indexOf(group)?.sequenceAt(index) ?? 0;
  }

  stats(): StoreStats {
    let bytesStored = 0;
    for (const record of this.disk.records) bytesStored += record.length;
    for (const value of this.disk.descriptors.values()) bytesStored += value.length;
    const commits = this.#commits;
    return { commits, flushes: 0, bytesWritten: this.#bytesWritten, bytesStored };
  }

  async close(): Promise<void> {
    this.#state = "closed";
  }

  #write(batch: PreparedBatch): void {
    const record = new Uint8Array(batch.plan.bytes);
    encodePrepared(record, batch);
    for (const group of batch.removed) this.disk.descriptors.delete(group);
    for (const meta of batch.metas) {
      this.disk.descriptors.set(meta.descriptor.group, encodeDescriptor(meta));
    }
    this.disk.records.push(record);
    this.#logState.complete(batch);
    this.#commits += 1;
    this.#bytesWritten += record.length;
  }

  #refusal(action: string): RaftError | undefined {
    if (this.#state !== "open") return storeNotOpen(action, this.#state);
    return this.disk.owner === this ? undefined : storeNotOpen(action, "shut out by a newer one");
  }
}
