/**
 * The store of a simulated process: the real RecordStore, whose answers are passed on when the
 * flushes that were in flight have ended. So it is the real one that decides when a commit counts
 * as durable, and a store that decided too early is found out.
 */
import type { GroupId, Index, RaftError } from "../../base/index.ts";
import { RecordStore } from "../../log/index.ts";
import type {
  CommitBatch,
  Durability,
  LogStore,
  RecoveredGroup,
  StoreStats,
} from "../../log/index.ts";
import type { Block } from "../../raft/index.ts";
import { logIsFull } from "./disk-faults.ts";
import { shutOut } from "./disk-process.ts";
import type { DiskProcess } from "./disk-process.ts";

/** Small, so that old records are read from the disk, and the newest are not. */
const arenaBytes = 65_536;

export class SimulatedStore implements LogStore {
  readonly durability: Durability;
  readonly commitsInFlightMax: number;
  private readonly inner: RecordStore;
  private readonly process: DiskProcess;

  constructor(process: DiskProcess) {
    this.process = process;
    const { identity, durability } = process.parts;
    this.inner = new RecordStore({
      name: `the simulated disk of ${identity.node}`,
      identity,
      durability,
      openEnv: () => process.open(),
      soon: (task) => process.soon(task),
      bytesStored: () => process.bytesStored,
      arenaBytes,
    });
    this.durability = durability;
    this.commitsInFlightMax = this.inner.commitsInFlightMax;
  }

  open(): Promise<readonly RecoveredGroup[]> {
    if (!this.process.alive) return Promise.reject(shutOut("open"));
    return this.afterFlushes(this.inner.open());
  }

  commit(batch: CommitBatch): Promise<void> {
    if (!this.process.alive) return Promise.reject(shutOut("commit"));
    this.process.batch = batch;
    const done = this.inner.commit(batch);
    this.process.batch = undefined;
    return this.afterFlushes(done);
  }

  full(): RaftError | undefined {
    return this.process.parts.faults.bounded ? logIsFull() : this.inner.full();
  }

  read(group: GroupId, from: Index, bytesMax: number): readonly Block[] {
    this.process.assertAlive("read");
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

  async close(): Promise<void> {
    await this.inner.close();
    if (this.process.alive) await this.afterFlushes(Promise.resolve());
  }

  /** Never settles where the process dies before. */
  private afterFlushes<T>(done: Promise<T>): Promise<T> {
    const { flushes } = this.process;
    return new Promise((resolve, reject) => {
      done.then(
        (value) => flushes.whenIdle(() => resolve(value)),
        (error: unknown) => {
          flushes.whenIdle(() => reject(error));
        },
      );
    });
  }
}
