/**
 * The simulated disk of one shard, over which the real RecordStore runs. It outlives the processes
 * that use it one after another, and does to each what disks and power cuts do.
 *
 *      RecordStore ─► SimulatedEnv ─► DiskContents      what can be read, at once
 *           │               └───────► FlushQueue ─► …   when it is durable
 *           └─ its promise ─► passed on when the flushes under way have ended
 *
 * Nothing here reads a clock or does I/O; everything follows from seeds.
 */
import { Prng, RaftError, assert } from "../../base/index.ts";
import type { GroupId, Index } from "../../base/index.ts";
import { RecordStore, identityEntry } from "../../log/index.ts";
import type {
  CommitBatch,
  Durability,
  LogEnv,
  LogStore,
  MetaEntry,
  MetaWrite,
  RecoveredGroup,
  Sequence,
  StoreIdentity,
  StoreStats,
} from "../../log/index.ts";
import type { Block } from "../../raft/index.ts";
import { DiskContents } from "./disk-contents.ts";
import type { DiskImage, TransactionId } from "./disk-contents.ts";
import { FlushQueue } from "./flush-queue.ts";
import type { FlushHost } from "./flush-queue.ts";
import { Tally } from "./tally.ts";

export type { DiskImage } from "./disk-contents.ts";

/** The process that opens a store. */
export interface DiskHost extends FlushHost {
  readonly prng: Prng;
}

/** Told what becomes of commits, as nobody inside the process can know it. */
export interface DiskWatcher {
  /** A commit can be read from now on. Also one whose flush fails, if it can be read all the same. */
  written(sequence: Sequence, batch: CommitBatch): void;
  /** Everything up to it is durable; or a disk that lies says so. */
  durable(sequence: Sequence): void;
  /** The process is gone, and the disk holds no record behind this one. */
  crashed(keptThrough: Sequence): void;
}

/** What is wrong with a disk; may be changed at any time. Rates are chances per operation. */
export interface DiskFaults {
  /** A flush takes about this long: from a half to one and a half. */
  commitUs: number;
  /** This many flushes take up to `commitTailUs` longer. */
  commitTailRate: number;
  commitTailUs: number;
  /** A write fails, and the transaction is not there. */
  writeErrorRate: number;
  /** A flush fails; what it was to write may be readable, and never reach the disk. */
  flushErrorRate: number;
  /** Reading a record fails. */
  readErrorRate: number;
  /** A flush says that it is done, and is not: its transactions are torn or lost by a power cut. */
  lieRate: number;
  /** Writes fail for want of space. */
  full: boolean;
  /** A flush holds up the whole process, as LMDB does. */
  blocking: boolean;
}

export interface DiskStoreOptions {
  readonly identity: StoreIdentity;
  readonly durability: Durability;
}

/** A turn of the event loop. */
const turnUs = 20;
/** Small, so that old records are read from the disk, and the newest are not. */
const arenaBytes = 65_536;
/** Without flushes the kernel writes by itself, later. */
const writeBackTransactions = 64;

export class SimulatedDisk {
  readonly faults: DiskFaults = {
    commitUs: 400,
    commitTailRate: 0,
    commitTailUs: 0,
    writeErrorRate: 0,
    flushErrorRate: 0,
    readErrorRate: 0,
    lieRate: 0,
    full: false,
    blocking: false,
  };
  /** How often each fault really happened. */
  readonly tally: Tally;
  readonly #prng: Prng;
  readonly #contents = new DiskContents();
  #stalled = false;
  #process: DiskProcess | undefined;
  #watcher: DiskWatcher | undefined;

  constructor(seed: number, tally: Tally = new Tally()) {
    this.#prng = new Prng(seed);
    this.tally = tally;
  }

  get stalled(): boolean {
    return this.#stalled;
  }

  /** A store for a new process. Whatever store was open is shut out when this one is opened. */
  openStore(host: DiskHost, options: DiskStoreOptions, watcher: DiskWatcher): LogStore {
    const process = new DiskProcess(this, this.#contents, { host, watcher, ...options });
    return new SimulatedStore(process, () => {
      this.#process?.kill();
      this.#process = process;
      this.#watcher = watcher;
    });
  }

  /**
   * Ends the process that has the disk open. `process`: what it has written can be read by the
   * next. `power`: what was not durable is lost, but for a first part of it.
   */
  crash(kind: "process" | "power"): void {
    this.#process?.kill();
    this.#process = undefined;
    if (kind === "power") this.#contents.cutPower(this.#prng, this.tally);
    this.#watcher?.crashed(this.#contents.visibleThrough);
  }

  /** Flushes do not return until `resume`. */
  stall(): void {
    this.#stalled = true;
  }

  resume(): void {
    this.#stalled = false;
    this.#process?.flushes.resume();
  }

  /** What is durable now, to come back later as an old disk does. */
  image(): DiskImage {
    return this.#contents.image();
  }

  /** No process may have the disk open. */
  restore(image: DiskImage): void {
    assert(this.#process === undefined, "a disk is replaced while nobody uses it");
    this.#contents.restore(image);
    this.tally.fault("old disk image restored");
  }

  /** Flips bits of something durable; returns what, or undefined where nothing is. */
  rot(prng: Prng): string | undefined {
    const place = this.#contents.rot(prng);
    if (place !== undefined) this.tally.fault("bits rotted");
    return place;
  }
}

interface ProcessParts extends DiskStoreOptions {
  readonly host: DiskHost;
  readonly watcher: DiskWatcher;
}

/** One process's way to the disk, from its store's opening to its death: the store's environment. */
class DiskProcess implements LogEnv {
  readonly flushesPerWrite: number;
  readonly flushes: FlushQueue;
  readonly parts: ProcessParts;
  alive = true;
  /** What the store is writing. */
  batch: CommitBatch | undefined;
  private readonly disk: SimulatedDisk;
  private readonly contents: DiskContents;

  constructor(disk: SimulatedDisk, contents: DiskContents, parts: ProcessParts) {
    this.disk = disk;
    this.contents = contents;
    this.parts = parts;
    this.flushesPerWrite = parts.durability === "none" ? 0 : 1;
    this.flushes = new FlushQueue(parts.host, {
      get stalled() {
        return disk.stalled;
      },
      get blocking() {
        return disk.faults.blocking;
      },
      onStall: () => disk.tally.fault("flush stalled"),
    });
  }

  get bytesStored(): number {
    return this.contents.bytes;
  }

  /** A new place is made whole, with its identity, or not at all: see lmdb-directory.ts. */
  async open(): Promise<LogEnv> {
    const { contents, parts } = this;
    if (contents.newest === 0 && contents.visibleThrough === 0) {
      contents.flush(contents.write([identityEntry(parts.identity)], undefined));
    }
    return this;
  }

  kill(): void {
    this.alive = false;
    this.flushes.kill();
  }

  write(metas: readonly MetaWrite[], sequence?: Sequence, record?: Uint8Array): void {
    this.assertAlive("write");
    const { disk, contents } = this;
    if (disk.faults.full) throw this.failure("disk full", "ENOSPC");
    if (this.happens(disk.faults.writeErrorRate)) throw this.failure("write failed", "EIO");
    const fails = this.flushFails();
    if (fails && this.happens(0.5)) {
      throw this.failure("flush failed, its transaction not readable", "EIO");
    }
    if (sequence !== undefined) {
      assert(sequence === contents.visibleThrough + 1, "records are appended");
    }
    // The store uses the memory again.
    const before = contents.newest;
    const id = contents.write(metas, record?.slice());
    const { batch } = this;
    if (sequence !== undefined && batch !== undefined) this.parts.watcher.written(sequence, batch);
    if (fails) {
      contents.markClean();
      throw this.failure("flush failed, its transaction readable", "EIO");
    }
    if (this.parts.durability === "none") contents.flush(id - writeBackTransactions);
    else this.flush(this.parts.durability === "strict" ? id : before);
  }

  sync(): void {
    this.assertAlive("flush");
    if (this.flushFails()) throw this.failure("flush of meta pages failed", "EIO");
    this.flush(this.contents.newest);
  }

  record(sequence: Sequence): Uint8Array | undefined {
    this.assertAlive("read");
    if (this.happens(this.disk.faults.readErrorRate)) throw this.failure("read failed", "EIO");
    return this.contents.record(sequence);
  }

  lastSequence(): Sequence {
    this.assertAlive("read");
    return this.contents.visibleThrough;
  }

  recordCount(): number {
    return this.lastSequence();
  }

  metas(): MetaEntry[] {
    this.assertAlive("read");
    return this.contents.metas();
  }

  meta(key: Uint8Array): Uint8Array | undefined {
    this.assertAlive("read");
    return this.contents.meta(key);
  }

  async close(): Promise<void> {}

  assertAlive(action: string): void {
    if (!this.alive) throw shutOut(action);
  }

  /** Later events: all that happen while the thread is in a flush. */
  soon(task: () => void): () => void {
    let cancelled = false;
    this.flushes.whenIdle(() => {
      this.parts.host.after(turnUs, () => {
        if (!cancelled && this.alive) task();
      });
    });
    return () => {
      cancelled = true;
    };
  }

  /**
   * Whether the flush that begins now fails. It takes its time, and may leave the newest meta page
   * for written.
   */
  private flushFails(): boolean {
    const { durability } = this.parts;
    if (durability === "none" || !this.happens(this.disk.faults.flushErrorRate)) return false;
    this.flushes.add(this.drawUs(), () => {});
    if (this.happens(0.5) && this.contents.markClean()) {
      this.disk.tally.fault("unflushed transaction held for written");
    }
    return true;
  }

  private flush(through: TransactionId): void {
    const { contents, disk, parts } = this;
    this.flushes.add(this.drawUs(), () => {
      const before = contents.durableThrough;
      if (this.happens(disk.faults.lieRate)) {
        disk.tally.fault("flush that lied");
        parts.watcher.durable(contents.claim(through));
        return;
      }
      contents.flush(through);
      if (contents.durableThrough > before) parts.watcher.durable(contents.durableThrough);
    });
  }

  private drawUs(): number {
    const { commitUs, commitTailRate, commitTailUs } = this.disk.faults;
    const { prng } = this.parts.host;
    const us = Math.floor(commitUs / 2) + prng.between(0, commitUs + 1);
    if (!this.happens(commitTailRate)) return us;
    this.disk.tally.fault("slow flush");
    return us + prng.between(0, commitTailUs + 1);
  }

  /** Draws nothing where a fault is switched off, so that others do not shift. */
  private happens(rate: number): boolean {
    return rate > 0 && this.parts.host.prng.chance(rate);
  }

  private failure(name: string, code: string): Error {
    this.disk.tally.fault(name);
    return Object.assign(new Error(`${code}: ${name}`), { code });
  }
}

/** Passes on what the real store says, when the flushes that were under way have ended. */
class SimulatedStore implements LogStore {
  readonly durability: Durability;
  readonly commitsInFlightMax: number;
  private readonly inner: RecordStore;
  private readonly process: DiskProcess;

  constructor(process: DiskProcess, take: () => void) {
    this.process = process;
    const { identity, durability } = process.parts;
    this.inner = new RecordStore({
      name: `the simulated disk of ${identity.node}`,
      identity,
      durability,
      openEnv: () => {
        take();
        return process.open();
      },
      soon: (task) => process.soon(task),
      bytesStored: () => process.bytesStored,
      arenaBytes,
    });
    this.durability = durability;
    this.commitsInFlightMax = this.inner.commitsInFlightMax;
  }

  open(): Promise<readonly RecoveredGroup[]> {
    return this.afterFlushes(this.inner.open());
  }

  commit(batch: CommitBatch): Promise<void> {
    if (!this.process.alive) return Promise.reject(shutOut("commit"));
    this.process.batch = batch;
    const done = this.inner.commit(batch);
    this.process.batch = undefined;
    return this.afterFlushes(done);
  }

  read(group: GroupId, from: Index, bytesMax: number): readonly Block[] {
    this.process.assertAlive("read");
    return this.inner.read(group, from, bytesMax);
  }

  position(group: GroupId, index: Index): number {
    return this.inner.position(group, index);
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

function shutOut(action: string): RaftError {
  const message = `Cannot ${action}: the process is shut out of its disk`;
  return new RaftError("ERR_STORE_FAILED", message, { outcome: "none" });
}
