/**
 * One process's way to a simulated disk, from its store's opening to its death: the environment in
 * which its RecordStore runs. What it writes can be read at once, and is durable when the flush
 * that began with it has ended.
 */
import { RaftError, assert } from "../../base/index.ts";
import type { Prng } from "../../base/index.ts";
import { identityEntry } from "../../log/index.ts";
import type {
  CommitBatch,
  Durability,
  LogEnv,
  MetaEntry,
  MetaWrite,
  Sequence,
  StoreIdentity,
} from "../../log/index.ts";
import type { DiskContents, TransactionId } from "./disk-contents.ts";
import type { DiskFaults } from "./disk-faults.ts";
import { DiskLuck } from "./disk-luck.ts";
import { FlushQueue } from "./flush-queue.ts";
import type { FlushHost } from "./flush-queue.ts";
import type { Tally } from "./tally.ts";

/** The process that opens a store. */
export interface DiskHost extends FlushHost {
  readonly prng: Prng;
}

/** Told what becomes of commits, as nobody inside the process can know it. */
export interface DiskWatcher {
  /** A commit can be read from now on; also one whose flush fails, where it can be read still. */
  written(sequence: Sequence, batch: CommitBatch): void;
  /** Everything up to it is durable; or a disk that lies says so. */
  durable(sequence: Sequence): void;
  /** The process is gone, and the disk holds no record behind this one. */
  crashed(keptThrough: Sequence): void;
}

export interface DiskStoreOptions {
  readonly identity: StoreIdentity;
  readonly durability: Durability;
}

/** A turn of the event loop. */
const turnUs = 20;
/** Without flushes the kernel writes by itself, later. */
const writeBackTransactions = 64;

export interface DiskProcessParts extends DiskStoreOptions {
  readonly host: DiskHost;
  readonly watcher: DiskWatcher;
  readonly contents: DiskContents;
  readonly faults: DiskFaults;
  readonly tally: Tally;
}

export class DiskProcess implements LogEnv {
  readonly flushesPerWrite: number;
  readonly flushes: FlushQueue;
  readonly parts: DiskProcessParts;
  alive = true;
  private readonly luck: DiskLuck;
  /** The newest transaction that a flush was asked for. */
  private asked: TransactionId = 0;
  /** What the store is writing. */
  batch: CommitBatch | undefined;

  constructor(parts: DiskProcessParts) {
    this.parts = parts;
    this.luck = new DiskLuck(parts.host.prng, parts.faults, parts.tally);
    this.flushesPerWrite = parts.durability === "none" ? 0 : 1;
    this.flushes = new FlushQueue(parts.host, parts.faults, () => {
      parts.tally.fault("flush stalled");
    });
  }

  get bytesStored(): number {
    return this.parts.contents.bytes;
  }

  /** A new place is made whole, with its identity, or not at all: see lmdb-directory.ts. */
  async open(): Promise<LogEnv> {
    this.assertAlive("open");
    const { contents, identity } = this.parts;
    if (contents.isBlank) contents.flush(contents.write([identityEntry(identity)], undefined));
    return this;
  }

  kill(): void {
    this.alive = false;
    this.flushes.kill();
  }

  resume(): void {
    this.flushes.resume();
  }

  write(metas: readonly MetaWrite[], sequence?: Sequence, record?: Uint8Array): void {
    this.assertAlive("write");
    const { contents, durability, faults, watcher } = this.parts;
    if (faults.full) throw this.luck.failure("write refused by a full disk", "ENOSPC");
    if (this.luck.happens(faults.writeErrorRate)) throw this.luck.failure("write failed", "EIO");
    const fails = this.flushFails();
    if (fails && this.luck.happens(0.5)) {
      throw this.luck.failure("flush failed, its transaction not readable", "EIO");
    }
    if (sequence !== undefined) {
      assert(sequence === contents.visibleThrough + 1, "records are appended");
    }
    const before = contents.newest;
    // A copy: the store uses the memory again.
    const id = contents.write(metas, record?.slice());
    const { batch } = this;
    if (sequence !== undefined && batch !== undefined) watcher.written(sequence, batch);
    if (fails) {
      contents.markClean();
      throw this.luck.failure("flush failed, its transaction readable", "EIO");
    }
    if (durability === "none") contents.flush(id - writeBackTransactions);
    else this.flush(durability === "strict" ? id : before);
  }

  claim(metas: readonly MetaWrite[]): void {
    this.write(metas);
  }

  sync(): void {
    this.assertAlive("flush");
    if (this.flushFails()) throw this.luck.failure("flush of meta pages failed", "EIO");
    this.flush(this.parts.contents.newest);
  }

  record(sequence: Sequence): Uint8Array | undefined {
    this.assertAlive("read");
    if (this.luck.happens(this.parts.faults.readErrorRate))
      throw this.luck.failure("read failed", "EIO");
    return this.parts.contents.record(sequence);
  }

  lastSequence(): Sequence {
    this.assertAlive("read");
    return this.parts.contents.visibleThrough;
  }

  recordCount(): number {
    return this.lastSequence();
  }

  metas(): MetaEntry[] {
    this.assertAlive("read");
    return this.parts.contents.metas();
  }

  meta(key: Uint8Array): Uint8Array | undefined {
    this.assertAlive("read");
    return this.parts.contents.meta(key);
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
    const { contents, durability, faults, tally } = this.parts;
    if (durability === "none" || !this.luck.happens(faults.flushErrorRate)) return false;
    this.flushes.add(this.luck.flushUs(), () => {});
    // What earlier flushes are at work on is written: on a real disk they have ended before.
    if (contents.newest > this.asked && this.luck.happens(0.5) && contents.markClean()) {
      tally.fault("unflushed transaction held for written");
    }
    return true;
  }

  private flush(through: TransactionId): void {
    const { contents, faults, tally, watcher } = this.parts;
    this.asked = Math.max(this.asked, through);
    this.flushes.add(this.luck.flushUs(), () => {
      const before = contents.durableThrough;
      if (this.luck.happens(faults.lieRate)) {
        tally.fault("flush that lied");
        watcher.durable(contents.claim(through));
        return;
      }
      contents.flush(through);
      if (contents.durableThrough > before) watcher.durable(contents.durableThrough);
    });
  }
}

export function shutOut(action: string): RaftError {
  const message = `Cannot ${action}: the process is shut out of its disk`;
  return new RaftError("ERR_STORE_FAILED", message, { outcome: "none" });
}
