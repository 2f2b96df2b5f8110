/**
 * Closed loop: callers that each have one call outstanding and make the next when it is answered. It
 * runs inside the measured process, so a call costs no closure and no object of its own.
 */
import type { Calls } from "./calls.ts";
import type { ClientPlan } from "./client-plan.ts";
import type { Load, LoadTaken } from "./load.ts";
import { Sampler } from "./sampler.ts";
import { Tally } from "./tally.ts";

/** A call that failed is made again after this, so that a node without leaders does not spin. */
const pauseMs = 10;
/** More clients that call for single commands make so many calls that only some are timed. */
const fewClients = 64;
const sampleEvery = 8;

export class ClosedLoop implements Load {
  private readonly calls: Calls;
  private readonly tally: Tally = new Tally();
  private readonly clients: readonly Client[];
  private readonly sampler: Sampler;
  private active = false;
  private inFlight = 0;
  private idle: (() => void) | undefined;

  constructor(calls: Calls, plans: readonly ClientPlan[]) {
    this.calls = calls;
    this.clients = plans.map((plan) => new Client(this, plan));
    const few = plans.length < fewClients || plans.some(({ count }) => count > 1);
    this.sampler = new Sampler(few ? 1 : sampleEvery);
  }

  get done(): number {
    return this.tally.done;
  }

  start(): void {
    this.active = true;
    this.inFlight = this.clients.length;
    for (const client of this.clients) client.next();
  }

  async stop(): Promise<void> {
    this.active = false;
    if (this.inFlight === 0) return;
    await new Promise<void>((resolve) => {
      this.idle = resolve;
    });
  }

  take(): LoadTaken {
    return this.tally.take();
  }

  /** Makes a client's next call, or ends it. */
  issue(client: Client, group: number): void {
    if (!this.active) {
      this.inFlight -= 1;
      if (this.inFlight === 0) this.idle?.();
      return;
    }
    client.startMs = this.sampler.take() ? performance.now() : 0;
    const { first, count } = client.plan;
    this.calls.call(group, first, count).then(client.onAnswer, client.onError);
    client.read = this.calls.reads;
  }

  answered(client: Client, answer: unknown): void {
    const { startMs, read } = client;
    const { count } = client.plan;
    const ms = startMs > 0 ? performance.now() - startMs : 0;
    if (read) {
      if (startMs > 0) this.tally.readLatency(ms, count);
      this.tally.read(count);
    } else {
      if (startMs > 0) this.tally.writeLatency(ms, count);
      this.tally.written(answer, count);
    }
    client.next();
  }

  failed(client: Client, error: unknown): void {
    this.tally.fail(error, client.plan.count);
    setTimeout(() => client.next(), pauseMs);
  }
}

class Client {
  readonly plan: ClientPlan;
  readonly onAnswer: (answer: unknown) => void;
  readonly onError: (error: unknown) => void;
  /** When the present call began; 0 where it is not timed. */
  startMs = 0;
  read = false;
  private readonly loop: ClosedLoop;
  private at = 0;

  constructor(loop: ClosedLoop, plan: ClientPlan) {
    this.loop = loop;
    this.plan = plan;
    this.onAnswer = (answer) => this.loop.answered(this, answer);
    this.onError = (error) => this.loop.failed(this, error);
  }

  next(): void {
    const { groups } = this.plan;
    const group = groups[this.at] ?? 0;
    this.at = this.at + 1 === groups.length ? 0 : this.at + 1;
    this.loop.issue(this, group);
  }
}
