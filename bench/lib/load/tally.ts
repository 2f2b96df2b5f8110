/** Counts what became of a load's calls. */
import { RaftError } from "../../../src/index.ts";
import { Latencies } from "../latencies.ts";
import type { LoadTaken } from "./load.ts";

export class Tally {
  /** Since the start. */
  done = 0;
  private doneBefore = 0;
  private reads = 0;
  private failed: Record<string, number> = {};
  private unknown = 0;
  private writeLatencies: Latencies = new Latencies();
  private readLatencies: Latencies = new Latencies();
  private sendDelays: Latencies = new Latencies();

  read(count: number): void {
    this.done += count;
    this.reads += count;
  }

  /** A call of `count` commands is answered. Of a batch each entry may have failed. */
  written(answer: unknown, count: number): void {
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
    if (error.outcome === "unknown") this.unknown += count;
  }

  readLatency(ms: number, count: number): void {
    this.readLatencies.record(ms, count);
  }

  writeLatency(ms: number, count: number): void {
    this.writeLatencies.record(ms, count);
  }

  sendDelay(ms: number): void {
    this.sendDelays.record(ms);
  }

  take(): LoadTaken {
    const { done, doneBefore, reads, failed, unknown } = this;
    const { writeLatencies, readLatencies, sendDelays } = this;
    this.doneBefore = done;
    this.reads = 0;
    this.failed = {};
    this.unknown = 0;
    this.writeLatencies = new Latencies();
    this.readLatencies = new Latencies();
    this.sendDelays = new Latencies();
    return {
      done: done - doneBefore,
      reads,
      failed,
      unknown,
      writeLatencies: writeLatencies.encode(),
      readLatencies: readLatencies.encode(),
      sendDelays: sendDelays.encode(),
    };
  }
}
