/** Counts what became of a load's calls. */
import { RaftError } from "../../../src/index.ts";
import { Latencies } from "../latencies.ts";
import type { LoadTaken } from "./load.ts";

export class Tally {
  /** Since the start. */
  done = 0;
  private taken = 0;
  private failed: Record<string, number> = {};
  private latencies: Latencies = new Latencies();
  private sendDelays: Latencies = new Latencies();

  /** A call of `count` commands or reads is answered. Of a batch each entry may have failed. */
  answered(answer: unknown, count: number): void {
    if (!Array.isArray(answer)) {
      this.done += count;
      return;
    }
    for (const result of answer) {
      if (result instanceof RaftError) this.fail(result, 1);
      else this.done += 1;
    }
  }

  /** @throws what is no error of the engine */
  fail(error: unknown, count: number): void {
    if (!(error instanceof RaftError)) throw error;
    this.failed[error.code] = (this.failed[error.code] ?? 0) + count;
  }

  latency(ms: number, count: number): void {
    this.latencies.record(ms, count);
  }

  sendDelay(ms: number): void {
    this.sendDelays.record(ms, 1);
  }

  take(): LoadTaken {
    const { done, taken, failed, latencies, sendDelays } = this;
    this.taken = done;
    this.failed = {};
    this.latencies = new Latencies();
    this.sendDelays = new Latencies();
    return {
      done: done - taken,
      failed,
      latencies: latencies.encode(),
      sendDelays: sendDelays.encode(),
    };
  }
}
