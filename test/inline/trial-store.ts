/**
 * A LogStore over a MemoryStore whose commits the test holds back, lets go, or lets fail, as a real
 * disk would.
 */
import { RaftError } from "../../src/base/index.ts";
import type { GroupId, Index } from "../../src/base/index.ts";
import { MemoryStore } from "../../src/log/index.ts";
import type {
  CommitBatch,
  Durability,
  LogStore,
  MemoryDisk,
  RecoveredGroup,
  StoreStats,
} from "../../src/log/index.ts";
import type { Block } from "../../src/raft/index.ts";

export class TrialStore implements LogStore {
  readonly durability: Durability = "strict";
  readonly commitsInFlightMax: number;
  /** Commits wait for `release`. */
  holding = false;
  /** Every commit from now on is refused with this. */
  failure: RaftError | undefined;
  /** It takes no more entries, and says this. */
  refusal: RaftError | undefined;
  private readonly inner: MemoryStore;
  private readonly held: { resolve: () => void; reject: (error: RaftError) => void }[] = [];

  constructor(disk: MemoryDisk, commitsInFlightMax = 1) {
    this.inner = new MemoryStore({ disk });
    this.commitsInFlightMax = commitsInFlightMax;
  }

  get heldCommits(): number {
    return this.held.length;
  }

  /** The oldest commits are durable now. */
  release(count: number = this.held.length): void {
    for (const { resolve } of this.held.splice(0, count)) resolve();
  }

  /** The disk refuses what is in flight and everything after it. */
  breakDown(): void {
    this.failure = diskGone();
    for (const { reject } of this.held.splice(0)) reject(this.failure);
  }

  open(): Promise<readonly RecoveredGroup[]> {
    return this.inner.open();
  }

  async commit(batch: CommitBatch): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    await this.inner.commit(batch);
    if (!this.holding) return;
    await new Promise<void>((resolve, reject) => this.held.push({ resolve, reject }));
  }

  full(): RaftError | undefined {
    return this.refusal;
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

function diskGone(): RaftError {
  return new RaftError("ERR_STORE_FAILED", "the disk is gone");
}
