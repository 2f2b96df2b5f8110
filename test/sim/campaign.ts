/** What many runs came to. */
import { Tally } from "../../src/testing/index.ts";
import type { Broken, RunResult, Script } from "../../src/testing/index.ts";

export interface Failure extends Broken {
  readonly seed: number | undefined;
  readonly script: Script;
}

const progressEvery = 50;

export class Campaign {
  readonly failures: Failure[] = [];
  private readonly tally: Tally = new Tally();
  private readonly startedMs: number = Date.now();
  private readonly output: NodeJS.WritableStream | undefined;
  private seeds = 0;
  private events = 0;
  private simulatedUs = 0;

  /** @param output where progress goes */
  constructor(output: NodeJS.WritableStream | undefined) {
    this.output = output;
  }

  take(result: RunResult, script: Script, seed: number | undefined): Failure | undefined {
    this.seeds += 1;
    this.events += result.events;
    this.simulatedUs += result.simulatedUs;
    this.tally.add(result.tally);
    for (const { kind, outcome } of result.operations) {
      this.tally.count(`operation ${kind}: ${outcome === "pending" ? "unknown" : outcome}`);
    }
    if (this.output !== undefined && this.seeds % progressEvery === 0) {
      this.output.write(`${this.seeds} seeds, ${this.failures.length} failed\n`);
    }
    return result.broken === undefined ? undefined : this.fail({ ...result.broken, seed, script });
  }

  /** A seed that did not do the same twice. */
  differs(seed: number, script: Script): void {
    const message = "the second run of the same seed did something else";
    this.fail({ invariant: "determinism", message, seed, script });
  }

  private fail(failure: Failure): Failure {
    this.failures.push(failure);
    return failure;
  }

  tell(json: boolean): void {
    const seconds = (Date.now() - this.startedMs) / 1_000;
    const { seeds, events } = this;
    const summary = {
      seeds,
      seconds: Number(seconds.toFixed(1)),
      events,
      eventsPerSecond: Math.round(events / seconds),
      simulatedSeconds: Math.round(this.simulatedUs / 1_000_000),
      failures: this.failures.map(({ seed, invariant, message }) => ({ seed, invariant, message })),
      faults: sorted(this.tally.faults),
      counts: sorted(this.tally.counts),
    };
    process.stdout.write(`${json ? JSON.stringify(summary) : JSON.stringify(summary, null, 2)}\n`);
  }
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
