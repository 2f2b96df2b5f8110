/**
 * The store of a simulated process over segment files: the real RecordStore and SegmentEnv. Its
 * answers come by themselves, since its disk works on other threads.
 */
import type { GroupId, Index, RaftError } from "../../base/index.ts";
import { RecordStore, identityEntry, openSegmentEnv, writeLanes } from "../../log/index.ts";
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
import type { SegmentProcess } from "./segment-process.ts";

/** Small, so that old records are read from the disk, and the newest are not. */
const arenaBytes = 65_536;

export class SimulatedSegmentStore implements LogStore {
  readonly durability: Durability;
  readonly commitsInFlightMax: number;
  private readonly inner: RecordStore;
  private readonly process: SegmentProcess;
  /** Records that were there when the process began. */
  private readonly recordsBefore: number;

  constructor(process: SegmentProcess, segmentBytes: number) {
    this.process = process;
    const { identity, durability, contents } = process.parts;
    this.recordsBefore = contents.visibleThrough;
    const durable = durability !== "none";
    const nextTurn = (): Promise<void> =>
      new Promise((resolve) => {
        process.soon(resolve);
      });
    this.inner = new RecordStore({
      name: `the simulated disk of ${identity.node}`,
      identity,
      durability: durable ? "strict" : "none",
      commitsInFlightMax: writeLanes,
      openEnv: () => {
        const options = { files: process, segmentBytes, durable };
        return openSegmentEnv(options, identityEntry(identity), nextTurn);
      },
      soon: (task) => process.soon(task),
      bytesStored: () => process.bytesStored,
      arenaBytes,
    });
    this.durability = this.inner.durability;
    this.commitsInFlightMax = this.inner.commitsInFlightMax;
  }

  open(): Promise<readonly RecoveredGroup[]> {
    return this.whileAlive("open", () => this.inner.open());
  }

  commit(batch: CommitBatch): Promise<void> {
    return this.whileAlive("commit", () => {
      const { commits } = this.inner.stats();
      const done = this.inner.commit(batch);
      if (this.inner.stats().commits > commits) {
        this.process.parts.watcher.written(this.recordsBefore + commits + 1, batch);
      }
      return done;
    });
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

  close(): Promise<void> {
    return this.process.alive ? this.inner.close() : Promise.resolve();
  }

  /** Never settles where the process dies before. */
  private whileAlive<T>(action: string, run: () => Promise<T>): Promise<T> {
    if (!this.process.alive) return Promise.reject(shutOut(action));
    return new Promise((resolve, reject) => {
      run().then(
        (value) => {
          if (this.process.alive) resolve(value);
        },
        (error: unknown) => {
          if (this.process.alive) reject(error);
        },
      );
    });
  }
}
