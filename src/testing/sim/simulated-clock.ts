/** One node's clocks: they run fast or slow, and the wall clock is off and may be set. */
import type { Clock } from "../../shard/index.ts";
import type { Agenda } from "./agenda.ts";

/** 2023-11-14, so that times look like times. */
const epochMs = 1_700_000_000_000;

export class SimulatedClock implements Clock {
  private readonly agenda: Agenda;
  /** Own microseconds in a simulated one. */
  private readonly pace: number;
  private offsetUs: number;

  constructor(agenda: Agenda, driftPpm: number, offsetUs: number) {
    this.agenda = agenda;
    this.pace = 1 + driftPpm / 1_000_000;
    this.offsetUs = offsetUs;
  }

  monotonicMs(): number {
    return this.ownMs(this.agenda.nowUs);
  }

  wallMs(): number {
    return Math.floor(epochMs + this.monotonicMs() + this.offsetUs / 1_000);
  }

  /** Sets the wall clock on or back. */
  step(us: number): void {
    this.offsetUs += us;
  }

  /** What a simulated time is on this clock. */
  ownMs(simulatedUs: number): number {
    return (simulatedUs * this.pace) / 1_000;
  }

  /** How long `ms` of this clock take. */
  simulatedUs(ms: number): number {
    return Math.max(1, Math.round((ms * 1_000) / this.pace));
  }
}
