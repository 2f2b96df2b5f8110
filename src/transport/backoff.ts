import type { Prng } from "../base/index.ts";

export interface BackoffRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Exponential back-off. The upper half of each delay is drawn at random, so that the peers of a
 * node that comes back do not knock in step.
 */
export class Backoff {
  private readonly range: BackoffRange;
  private readonly prng: Prng;
  private ceilingMs: number;

  constructor(range: BackoffRange, prng: Prng) {
    this.range = range;
    this.prng = prng;
    this.ceilingMs = range.minMs;
  }

  /**
   * The delay before the next try, in ms: from half the present ceiling to the ceiling, which then
   * doubles.
   */
  next(): number {
    const ceilingMs = this.ceilingMs;
    this.ceilingMs = Math.min(ceilingMs * 2, this.range.maxMs);
    return this.prng.between(Math.ceil(ceilingMs / 2), ceilingMs + 1);
  }

  /** After a success. */
  reset(): void {
    this.ceilingMs = this.range.minMs;
  }
}
