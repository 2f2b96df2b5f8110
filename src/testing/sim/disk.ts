/**
 * The simulated disk of one shard, over which the real RecordStore runs. It outlives the processes
 * that use it one after another, and does to each what disks and power cuts do.
 *
 *      RecordStore ─► DiskProcess ─► DiskContents      what can be read, at once
 *           │              └───────► FlushQueue ─► …   when it is durable
 *           └─ its promise ─► SimulatedStore: passed on when the flushes under way have ended
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
import { SimulatedStore } from "./simulated-store.ts";
import { Tally } from "./tally.ts";

export type { DiskImage } from "./disk-contents.ts";
export type { DiskHost, DiskStoreOptions, DiskWatcher } from "./disk-process.ts";

export class SimulatedDisk {
  readonly faults: DiskFaults = new DiskFaults();
  /** How often each fault really happened. */
  readonly tally: Tally;
  readonly #prng: Prng;
  readonly #contents = new DiskContents();
  #process: DiskProcess | undefined;
  #watcher: DiskWatcher | undefined;

  constructor(seed: number, tally: Tally = new Tally()) {
    this.#prng = new Prng(seed);
    this.tally = tally;
  }

  /** A store for a new process, which shuts out the one before it. */
  openStore(host: DiskHost, options: DiskStoreOptions, watcher: DiskWatcher): LogStore {
    this.#process?.kill();
    const contents = this.#contents;
    const { faults, tally } = this;
    this.#process = new DiskProcess({ ...options, host, watcher, contents, faults, tally });
    this.#watcher = watcher;
    return new SimulatedStore(this.#process);
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
    this.#process?.flushes.resume();
  }

  /** What is durable now, to come back later, as the old image of a disk does. */
  image(): DiskImage {
    return this.#contents.image();
  }

  /** No process may have the disk open. */
  restore(image: DiskImage): void {
    assert(this.#process === undefined, "a disk is replaced while nobody uses it");
    this.#contents.restore(image);
  }

  /** Tears the newest durable record; for use while no process has the disk open. */
  tear(prng: Prng): void {
    this.#contents.tear(prng, this.tally);
  }

  /** Flips bits of something durable; returns what, or undefined where nothing is. */
  rot(prng: Prng): string | undefined {
    const place = this.#contents.rot(prng);
    if (place !== undefined) this.tally.fault("bits rotted");
    return place;
  }
}
