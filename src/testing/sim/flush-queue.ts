/**
 * The flushes of one process on one disk: one after another, each for as long as was drawn for it.
 * LMDB flushes on the calling thread, so while one is in flight the shard does nothing else, if the
 * disk is `blocking`; else it goes on, as if its disk had a thread.
 */
import type { DiskFaults } from "./disk-faults.ts";

/** The process, as its disk needs it. */
export interface FlushHost {
  /**
   * Runs a task after so much simulated time; never once the process is dead, and not while its
   * thread stands still.
   */
  after(delayUs: number, task: () => void): void;
  /** The process's thread stands still for so long, or, where it is infinite, until `unblock`. */
  block?(delayUs: number): void;
  unblock?(): void;
}

/** What the queue asks of its disk at each flush. */
type FlushDevice = Pick<DiskFaults, "stalled" | "blocking">;

interface Flush {
  readonly us: number;
  readonly tasks: (() => void)[];
}

export class FlushQueue {
  readonly #host: FlushHost;
  readonly #device: FlushDevice;
  readonly #onStall: () => void;
  #dead = false;
  /** The first one is in flight. */
  #flushes: Flush[] = [];
  /** The first one has had its time, and the disk does not answer. */
  #held = false;

  /** @param onStall a flush would end now, and does not */
  constructor(host: FlushHost, device: FlushDevice, onStall: () => void) {
    this.#host = host;
    this.#device = device;
    this.#onStall = onStall;
  }

  add(us: number, onEnd: () => void): void {
    if (this.#dead) return;
    this.#flushes.push({ us, tasks: [onEnd] });
    if (this.#flushes.length === 1) this.#begin();
  }

  /** Runs a task when every flush that was added has ended: now, where none is in flight. */
  whenIdle(task: () => void): void {
    if (this.#dead) return;
    const last = this.#flushes.at(-1);
    if (last === undefined) task();
    else last.tasks.push(task);
  }

  /** The disk answers again. */
  resume(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#host.unblock?.();
    this.#host.after(0, () => this.#end());
  }

  /** The process is gone, and with it whoever waits. */
  kill(): void {
    this.#dead = true;
    this.#flushes = [];
  }

  #begin(): void {
    const us = this.#flushes[0]?.us ?? 0;
    if (this.#device.blocking) this.#host.block?.(us);
    this.#host.after(us, () => this.#end());
  }

  #end(): void {
    if (this.#dead) return;
    if (this.#device.stalled) {
      this.#held = true;
      this.#onStall();
      if (this.#device.blocking) this.#host.block?.(Number.POSITIVE_INFINITY);
      return;
    }
    const ended = this.#flushes[0];
    // In their order, and before the next flush begins: a task may add one, or end the process.
    for (const task of ended?.tasks ?? []) {
      if (this.#dead) return;
      task();
    }
    this.#flushes.shift();
    if (this.#flushes.length > 0) this.#begin();
  }
}
