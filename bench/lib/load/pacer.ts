/**
 * Calls back at even intervals, more precisely than timers do: those fire on whole milliseconds of
 * the event loop's clock. A thread sleeps until each moment and posts a message.
 */
import { Worker } from "node:worker_threads";
import { moduleBeside } from "../../../src/cli/module-beside.ts";
import { sharedMs } from "../shared-clock.ts";

export interface PacerData {
  /** The first moment, on the shared clock. */
  readonly startMs: number;
  readonly periodMs: number;
  /** One number; whoever sets it to 1 and notifies ends the thread. */
  readonly ended: Int32Array;
}

export class Pacer {
  private readonly periodMs: number;
  private readonly onMoment: (dueMs: number) => void;
  private readonly ended: Int32Array = new Int32Array(new SharedArrayBuffer(4));
  private worker: Worker | undefined;

  /** `onMoment` is told when it was due, on the clock of `performance.now()`. */
  constructor(periodMs: number, onMoment: (dueMs: number) => void) {
    this.periodMs = periodMs;
    this.onMoment = onMoment;
  }

  start(): void {
    const offsetMs = sharedMs() - performance.now();
    const startMs = sharedMs() + startInMs;
    const workerData: PacerData = { startMs, periodMs: this.periodMs, ended: this.ended };
    this.worker = new Worker(moduleBeside(import.meta.url, "pacer-worker"), { workerData });
    this.worker.on("message", (moment: number) => {
      if (this.ended[0] === 0) this.onMoment(startMs - offsetMs + moment * this.periodMs);
    });
  }

  async stop(): Promise<void> {
    const { worker } = this;
    if (worker === undefined) return;
    const exited = new Promise((resolve) => worker.once("exit", resolve));
    Atomics.store(this.ended, 0, 1);
    Atomics.notify(this.ended, 0);
    await exited;
    this.worker = undefined;
  }
}

/** By then the thread runs. */
const startInMs = 200;
