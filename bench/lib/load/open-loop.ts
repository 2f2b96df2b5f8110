/**
 * Open loop: calls leave at a given rate whatever became of those before, and a call's latency
 * counts from the moment at which it was due. A process that stands still for a second is charged
 * with that second on every call that was due in it (no coordinated omission).
 *
 * Above a thousand calls a second they come in bursts, one a millisecond, as a service gets them
 * from its connections; the burst is due as a whole.
 */
import type { Calls } from "./calls.ts";
import type { Load, LoadTaken, Work } from "./load.ts";
import { Pacer } from "./pacer.ts";
import { Sampler } from "./sampler.ts";
import { Tally } from "./tally.ts";

const burstsPerSecondMax = 1_000;
/** Of more calls than this a second, some are timed. */
const timedPerSecondMax = 20_000;

export class OpenLoop implements Load {
  private readonly calls: Calls;
  private readonly groups: readonly number[];
  private readonly work: Pick<Work, "single" | "batchMax">;
  private readonly perBurst: number;
  private readonly sampler: Sampler;
  private readonly pacer: Pacer;
  private readonly tally: Tally = new Tally();
  private readonly free: Flight[] = [];
  private owed = 0;
  private at = 0;
  private inFlight = 0;
  private idle: (() => void) | undefined;

  constructor(
    calls: Calls,
    groups: readonly number[],
    { rate, ...work }: Pick<Work, "single" | "batchMax"> & { readonly rate: number },
  ) {
    this.calls = calls;
    this.groups = groups;
    this.work = work;
    const burstsPerSecond = Math.min(rate, burstsPerSecondMax);
    this.perBurst = rate / burstsPerSecond;
    this.sampler = new Sampler(Math.ceil(rate / timedPerSecondMax));
    this.pacer = new Pacer(1_000 / burstsPerSecond, (dueMs) => this.burst(dueMs));
  }

  get done(): number {
    return this.tally.done;
  }

  start(): void {
    if (this.groups.length > 0) this.pacer.start();
  }

  async stop(): Promise<void> {
    await this.pacer.stop();
    if (this.inFlight === 0) return;
    await new Promise<void>((resolve) => {
      this.idle = resolve;
    });
  }

  take(): LoadTaken {
    return this.tally.take();
  }

  private burst(dueMs: number): void {
    this.owed += this.perBurst;
    let due = Math.floor(this.owed);
    this.owed -= due;
    const { groups } = this;
    const { single, batchMax } = this.work;
    const together = single ? 1 : Math.min(batchMax, Math.ceil(due / groups.length));
    while (due > 0) {
      const count = Math.min(due, together);
      due -= count;
      this.send(groups[this.at] ?? 0, count, dueMs);
      this.at = this.at + 1 === groups.length ? 0 : this.at + 1;
    }
  }

  private send(group: number, count: number, dueMs: number): void {
    const timed = this.sampler.take();
    if (timed) this.tally.sendDelay(performance.now() - dueMs);
    const flight = this.free.pop() ?? new Flight(this);
    flight.dueMs = timed ? dueMs : undefined;
    flight.count = count;
    this.inFlight += 1;
    this.calls.call(group, 0, count).then(flight.onAnswer, flight.onError);
    flight.read = this.calls.reads;
  }

  answered(flight: Flight, answer: unknown): void {
    const { dueMs, count, read } = flight;
    const ms = dueMs === undefined ? 0 : performance.now() - dueMs;
    if (read) {
      if (dueMs !== undefined) this.tally.readLatency(ms, 1);
      this.tally.read(1);
    } else {
      if (dueMs !== undefined) this.tally.writeLatency(ms, count);
      this.tally.written(answer, count);
    }
    this.landed(flight);
  }

  failed(flight: Flight, error: unknown): void {
    this.tally.fail(error, flight.count);
    this.landed(flight);
  }

  private landed(flight: Flight): void {
    this.free.push(flight);
    this.inFlight -= 1;
    if (this.inFlight === 0) this.idle?.();
  }
}

/** An outstanding call; used again for another when it is answered. */
class Flight {
  /** Undefined for a call that is not timed. */
  dueMs: number | undefined = 0;
  count = 0;
  read = false;
  readonly onAnswer: (answer: unknown) => void;
  readonly onError: (error: unknown) => void;

  constructor(loop: OpenLoop) {
    this.onAnswer = (answer) => loop.answered(this, answer);
    this.onError = (error) => loop.failed(this, error);
  }
}
