import type { GroupId, Index, RaftError } from "../../base/index.ts";
import type { CommitBatch, LogStore, RecoveredGroup, StoreStats } from "../../log/index.ts";
import type { Block } from "../../raft/index.ts";

/** Tells what a store found when it was opened, and what it is given. */
export class WatchedStore implements LogStore {
  readonly durability: LogStore["durability"];
  readonly commitsInFlightMax: number;
  private readonly inner: LogStore;
  private readonly found: (groups: readonly RecoveredGroup[]) => void;
  private readonly given: (batch: CommitBatch) => void;

  constructor(
    inner: LogStore,
    watcher: {
      readonly found: (groups: readonly RecoveredGroup[]) => void;
      readonly given: (batch: CommitBatch) => void;
    },
  ) {
    this.inner = inner;
    this.found = watcher.found;
    this.given = watcher.given;
    this.durability = inner.durability;
    this.commitsInFlightMax = inner.commitsInFlightMax;
  }

  async open(): Promise<readonly RecoveredGroup[]> {
    const groups = await this.inner.open();
    this.found(groups);
    return groups;
  }

  commit(batch: CommitBatch): Promise<void> {
    this.given(batch);
    return this.inner.commit(batch);
  }

  full(): RaftError | undefined {
    return this.inner.full?.();
  }

  read(group: GroupId, from: Index, bytesMax: number): readonly Block[] {
    return this.inner.read(group, from, bytesMax);
  }

  position(group: GroupId, index: Index): number {
    return this.inner.position(group, index);
  }

  readSpan(): number {
    return this.inner.readSpan();
  }

  stats(): StoreStats {
    return this.inner.stats();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
