/**
 * The simulated disk of one shard, over which the real RecordStore runs. It outlives the processes
 * that use it one after another, and does to each what disks and power cuts do.
 *
 *      RecordStore ─► DiskProcess ─► DiskContents      what can be read, at once
 *           │              └───────► FlushQueue ─► …   when it is durable
 *           └─ its promise ─► SimulatedStore: passed on when the flushes in flight have ended
 *
 * Or, where the log is in segment files, with the real code down to them:
 *
 *      RecordStore ─► SegmentEnv ─► SegmentProcess ─► SegmentContents
 *
 * Nothing here reads a clock or does I/O; everything follows from seeds.
 */
import { Prng, assert } from "../../base/index.ts";
import type { LogStore } from "../../log/index.ts";
import { DiskContents } from "./disk-contents.ts";
import type { DiskImage } from "./disk-contents.ts";
import { DiskFaults } from "./disk-faults.ts";
import { DiskProcess } from "./disk-process.ts";
import type { DiskHost, DiskStoreOptions, DiskWatcher } from "./disk-process.ts";
import type { RotPlace } from "./rot.ts";
import { SegmentContents } from "./segment-contents.ts";
import { SegmentProcess } from "./segment-process.ts";
import { SimulatedSegmentStore } from "./simulated-segment-store.ts";
import { SimulatedStore } from "./simulated-store.ts";
import { Tally } from "./tally.ts";

export type { DiskImage } from "./disk-contents.ts";
export type { DiskHost, DiskStoreOptions, DiskWatcher } from "./disk-process.ts";

/** A process, as its disk sees it. */
interface DiskUser {
  kill(): void;
  resume(): void;
}

/** What is on the disk, whichever form it has. */
type Medium = Pick<DiskContents, "visibleThrough" | "cutPower" | "image" | "tear" | "rot">;

export class SimulatedDisk {
  readonly faults: DiskFaults = new DiskFaults();
  /** How often each fault really happened. */
  readonly tally: Tally;
  readonly #prng: Prng;
  /** 0: transactions, as LMDB keeps them. */
  readonly #segmentBytes: number;
  readonly #transactions = new DiskContents();
  readonly #segments = new SegmentContents();
  readonly #contents: Medium;
  #process: DiskUser | undefined;
  #harmed = false;
  #watcher: DiskWatcher | undefined;

  /** @param segmentBytes size of the segments that the log is kept in; 0: it is kept as by LMDB */
  constructor(seed: number, tally: Tally = new Tally(), segmentBytes = 0) {
    this.#prng = new Prng(seed);
    this.tally = tally;
    this.#segmentBytes = segmentBytes;
    this.#contents = segmentBytes > 0 ? this.#segments : this.#transactions;
  }

  /** A store for a new process, which shuts out the one before it. */
  openStore(host: DiskHost, options: DiskStoreOptions, watcher: DiskWatcher): LogStore {
    this.#process?.kill();
    const { faults, tally } = this;
    const parts = { ...options, host, watcher, faults, tally };
    this.#watcher = watcher;
    if (this.#segmentBytes > 0) {
      const process = new SegmentProcess({ ...parts, contents: this.#segments });
      this.#process = process;
      return new SimulatedSegmentStore(process, this.#segmentBytes);
    }
    const process = new DiskProcess({ ...parts, contents: this.#transactions });
    this.#process = process;
    return new SimulatedStore(process);
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

  /** Flushes do not return, until `resume` or for ever. */
  stall(): void {
    this.faults.stalled = true;
  }

  resume(): void {
    this.faults.stalled = false;
    this.#process?.resume();
  }

  /** What is durable now, to come back later, as the old image of a disk does. */
  image(): DiskImage {
    return this.#contents.image();
  }

  /** No process may have the disk open. */
  restore(image: DiskImage): void {
    assert(this.#process === undefined, "a disk is replaced while nobody uses it");
    image.restore();
  }

  /** Whether anything was done to it that a store may find: else every store on it must open. */
  get harmed(): boolean {
    return this.#harmed || this.#transactions.lied;
  }

  /** Tears the newest durable record; for use while no process has the disk open. */
  tear(prng: Prng): void {
    this.#harmed = true;
    this.#contents.tear(prng, this.tally);
  }

  /** Flips bits of something durable; returns of what, or undefined where there is none such. */
  rot(prng: Prng, place: RotPlace = "anything"): string | undefined {
    const found = this.#contents.rot(prng, place);
    if (found === undefined) return undefined;
    this.#harmed = true;
    this.tally.fault(place === "entry" ? "bits of an entry rotted" : "bits rotted");
    return found;
  }
}
