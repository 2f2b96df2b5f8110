/**
 * One process's way to the segment files of a simulated disk, from its store's opening to its
 * death. A write can be read at once and is durable when its own flush has ended: those of two
 * lanes end in any order.
 */
import type {
  SegmentFile,
  SegmentFiles,
  SegmentNumber,
  SegmentReader,
  WriteLane,
} from "../../log/index.ts";
import { writeLanes } from "../../log/index.ts";
import type { DirtyWrite, SegmentContents } from "./segment-contents.ts";
import { DiskLuck } from "./disk-luck.ts";
import { shutOut } from "./disk-process.ts";
import type { DiskProcessParts } from "./disk-process.ts";
import { FlushQueue } from "./flush-queue.ts";

/** A turn of the event loop. */
const turnUs = 20;
/** A segment is written in full and flushed: so many times the time of a commit. */
const makingFlushes = 4;

export type SegmentProcessParts = Omit<DiskProcessParts, "contents"> & {
  readonly contents: SegmentContents;
};

export class SegmentProcess implements SegmentFiles {
  readonly parts: SegmentProcessParts;
  alive = true;
  private readonly luck: DiskLuck;
  private readonly lanes: readonly FlushQueue[];
  private readonly inFlight = new Set<DirtyWrite>();
  /** Makes the segment that is being made. */
  private finishMaking: (() => void) | undefined;

  constructor(parts: SegmentProcessParts) {
    this.parts = parts;
    this.luck = new DiskLuck(parts.host.prng, parts.faults, parts.tally);
    const { faults, host, tally } = parts;
    const device = {
      blocking: false,
      get stalled() {
        return faults.stalled;
      },
    };
    this.lanes = Array.from(
      { length: writeLanes },
      () => new FlushQueue(host, device, () => tally.fault("flush stalled")),
    );
  }

  get bytesStored(): number {
    return this.parts.contents.bytes;
  }

  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    const { contents, host, tally } = this.parts;
    for (const lane of this.lanes) lane.kill();
    for (const write of this.inFlight) contents.interrupt(write, host.prng, tally);
    if (this.finishMaking !== undefined && host.prng.chance(0.5)) this.finishMaking();
    contents.endProcess();
  }

  resume(): void {
    for (const lane of this.lanes) lane.resume();
  }

  list(): SegmentNumber[] {
    this.assertAlive("open");
    return this.parts.contents.segments();
  }

  claim(): boolean {
    this.assertAlive("open");
    const { contents } = this.parts;
    const isReleased = contents.owner === undefined;
    contents.owner = this;
    return isReleased;
  }

  isOwner(): boolean {
    return this.parts.contents.owner === this;
  }

  release(): void {
    if (this.alive && this.isOwner()) this.parts.contents.owner = undefined;
  }

  open(segment: SegmentNumber): SegmentFile {
    this.assertAlive("open");
    const { contents } = this.parts;
    return {
      segment,
      bytes: contents.visible(segment).length,
      write: (bytes, at, lane) => this.write({ segment, at, bytes }, lane),
      close: () => {},
    };
  }

  openReader(segment: SegmentNumber): SegmentReader {
    this.assertAlive("open");
    const { contents } = this.parts;
    return {
      segment,
      bytes: contents.visible(segment).length,
      read: (target, at) => {
        this.assertAlive("read");
        if (this.luck.happens(this.parts.faults.readErrorRate))
          throw this.luck.failure("read failed", "EIO");
        target.set(contents.visible(segment).subarray(at, at + target.length));
      },
      close: () => {},
    };
  }

  async make(segment: SegmentNumber, bytes: number, head: Uint8Array): Promise<SegmentFile> {
    await this.makeFile(() => this.parts.contents.make(segment, bytes, head));
    return this.open(segment);
  }

  renew(segment: SegmentNumber, kept: number): Promise<void> {
    return this.makeFile(() => this.parts.contents.renew(segment, kept));
  }

  private makeFile(finish: () => void): Promise<void> {
    if (!this.alive) return Promise.reject(shutOut("write"));
    if (this.parts.faults.full) {
      return Promise.reject(this.luck.failure("write refused by a full disk", "ENOSPC"));
    }
    this.finishMaking = () => {
      this.finishMaking = undefined;
      finish();
    };
    return new Promise((resolve) => {
      this.lanes[0]?.add(this.luck.flushUs() * makingFlushes, () => {
        this.finishMaking?.();
        resolve();
      });
    });
  }

  close(): void {}

  /** Runs a task in a later turn. */
  soon(task: () => void): () => void {
    let cancelled = false;
    this.parts.host.after(turnUs, () => {
      if (!cancelled && this.alive) task();
    });
    return () => {
      cancelled = true;
    };
  }

  assertAlive(action: string): void {
    if (!this.alive) throw shutOut(action);
  }

  private write(
    { segment, at, bytes }: { segment: SegmentNumber; at: number; bytes: Uint8Array },
    lane: WriteLane,
  ): Promise<void> {
    // What was resolved before the process ended still finds its way here.
    if (!this.alive) return Promise.reject(shutOut("write"));
    const { contents, durability, faults, watcher } = this.parts;
    if (this.luck.happens(faults.writeErrorRate)) {
      return Promise.reject(this.luck.failure("write failed", "EIO"));
    }
    const write = contents.write(segment, at, bytes);
    this.inFlight.add(write);
    const fails = durability !== "none" && this.luck.happens(faults.flushErrorRate);
    return new Promise((resolve, reject) => {
      this.lanes[lane]?.add(this.luck.flushUs(), () => {
        this.inFlight.delete(write);
        if (fails) {
          // It can be read still, and no flush writes it.
          reject(this.luck.failure("flush failed, its transaction readable", "EIO"));
          return;
        }
        const before = contents.durableThrough;
        if (durability !== "none") contents.flush(write);
        if (contents.durableThrough > before) watcher.durable(contents.durableThrough);
        resolve();
      });
    });
  }
}
