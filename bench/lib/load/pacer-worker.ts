/** The thread of `Pacer`: sleeps until each moment and posts its number. */
import { parentPort, workerData } from "node:worker_threads";
import { sharedMs } from "../shared-clock.ts";
import type { PacerData } from "./pacer.ts";

function run({ startMs, periodMs, ended }: PacerData): void {
  for (let moment = 0; Atomics.load(ended, 0) === 0; moment += 1) {
    const waitMs = startMs + moment * periodMs - sharedMs();
    if (waitMs > 0 && Atomics.wait(ended, 0, 0, waitMs) !== "timed-out") return;
    parentPort?.postMessage(moment);
  }
}

run(workerData);
