import type { GroupId, Index } from "../../base/index.ts";
import type { CommitBatch, LogStore, RecoveredGroup, StoreStats } from "../../log/index.ts";
import type { Block } from "../../raft/index.ts";

/** Tells what a store found when it was opened. */
export class WatchedStore implements LogStore {
  readonly durability: LogStore["durability"];
  readonly commitsInFlightMax: number;
  private readonly inner: LogStore;
  private readonly found: (groups: readonly RecoveredGroup[]) => void;

  constructor(inner: LogStore, found: (groups: readonly RecoveredGroup[]) => void) {
    this.inner = inner;
    this.found = found;
    this.durability = inner.durability;
    this.commitsInFlightMax = inner.commitsInFlightMax;
  }

  async open(): Promise<readonly RecoveredGroup[]> {
    const groups = await this.inner.open();
    this.found(groups);
    return groups;
  }

  commit(batch: CommitBatch): Promise<void> {
    return this.inner.commit(batch);
  }

  read(group: GroupId, from: Index, bytesMax: number): readonly Block[] {
    return this.inner.read(group, from, bytesMax);
  }

  position(group: GroupId, index: Index): number {
    return this.inner.position(group, index);
  }

  stats(): StoreStats {
    return this.inner.stats();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
