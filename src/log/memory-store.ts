/**
 * MemoryStore: a RecordStore that keeps its records in memory, encoded as on disk, so that whatever
 * runs on it sees the same log as on LMDB. A MemoryDisk outlives its store: opening a new store on
 * it is a restart, and shuts out the old one, as a process that is gone can no longer write.
 */
import type { GroupId } from "../base/index.ts";
import { soonInEventLoop } from "./event-loop.ts";
import type { LogEnv, MetaEntry, MetaWrite } from "./log-env.ts";
import type { Durability } from "./log-store.ts";
import { descriptorKey, groupOfKey } from "./meta-entry.ts";
import { RecordStore } from "./record-store.ts";
import type { Sequence } from "./record-format.ts";
import { storeNotOpen } from "./store-failure.ts";

/** What would be on the disk. Its bytes may be changed to test what recovery says to it. */
export class MemoryDisk {
  /** Record n is `records[n - 1]`. */
  readonly records: Uint8Array[] = [];
  readonly descriptors: Map<GroupId, Uint8Array> = new Map();
  /** The environment that may write. */
  owner: LogEnv | undefined;
}

export interface MemoryStoreOptions {
  readonly disk?: MemoryDisk | undefined;
  /** When a commit resolves; memory loses nothing in any case. @default "strict" */
  readonly durability?: Durability | undefined;
  /** Bound of the memory that tells where entries lie; see the engine. @default 2 GiB */
  readonly indexBytesMax?: number | undefined;
}

export class MemoryStore extends RecordStore {
  readonly disk: MemoryDisk;

  constructor(options: MemoryStoreOptions = {}) {
    const disk = options.disk ?? new MemoryDisk();
    super({
      name: "the memory disk",
      identity: undefined,
      durability: options.durability ?? "strict",
      openEnv: async () => new MemoryEnv(disk),
      soon: soonInEventLoop,
      indexBytesMax: options.indexBytesMax,
      bytesStored: () => bytesOn(disk),
      arenaBytes: 0,
    });
    this.disk = disk;
  }
}

class MemoryEnv implements LogEnv {
  readonly flushesPerWrite = 0;
  readonly #disk: MemoryDisk;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
    disk.owner = this;
  }

  write(metas: readonly MetaWrite[], sequence?: Sequence, record?: Uint8Array): void {
    this.#assertOwner("write");
    for (const { key, value } of metas) {
      if (value === undefined) this.#disk.descriptors.delete(groupOfKey(key));
      else this.#disk.descriptors.set(groupOfKey(key), value);
    }
    if (sequence !== undefined && record !== undefined) this.#disk.records.push(record.slice());
  }

  claim(): void {
    this.#assertOwner("claim");
  }

  record(sequence: Sequence): Uint8Array | undefined {
    this.#assertOwner("read");
    return this.#disk.records[sequence - 1];
  }

  lastSequence(): Sequence {
    return this.#disk.records.length;
  }

  recordCount(): number {
    return this.#disk.records.length;
  }

  metas(): MetaEntry[] {
    return [...this.#disk.descriptors].map(([group, value]) => ({
      key: descriptorKey(group),
      value,
    }));
  }

  meta(key: Uint8Array): Uint8Array | undefined {
    return this.#disk.descriptors.get(groupOfKey(key));
  }

  sync(): void {
    this.#assertOwner("flush");
  }

  async close(): Promise<void> {}

  #assertOwner(action: string): void {
    if (this.#disk.owner !== this) throw storeNotOpen(action, "shut out by a newer one");
  }
}

function bytesOn({ records, descriptors }: MemoryDisk): number {
  let bytes = 0;
  for (const record of records) bytes += record.length;
  for (const value of descriptors.values()) bytes += value.length;
  return bytes;
}
