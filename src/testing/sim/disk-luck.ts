/** What chance makes of one write, flush or read of a simulated disk, by the faults it has now. */
import type { Prng } from "../../base/index.ts";
import type { DiskFaults } from "./disk-faults.ts";
import type { Tally } from "./tally.ts";

export class DiskLuck {
  private readonly prng: Prng;
  private readonly faults: DiskFaults;
  private readonly tally: Tally;

  constructor(prng: Prng, faults: DiskFaults, tally: Tally) {
    this.prng = prng;
    this.faults = faults;
    this.tally = tally;
  }

  /** How long a flush takes, in µs. */
  flushUs(): number {
    const { commitUs, commitTailRate, commitTailUs } = this.faults;
    const us = Math.floor(commitUs / 2) + this.prng.between(0, commitUs + 1);
    if (!this.happens(commitTailRate)) return us;
    this.tally.fault("slow flush");
    return us + this.prng.between(0, commitTailUs + 1);
  }

  /** Draws nothing where a fault is switched off, so that others do not shift. */
  happens(rate: number): boolean {
    return rate > 0 && this.prng.chance(rate);
  }

  failure(name: string, code: string): Error {
    this.tally.fault(name);
    return Object.assign(new Error(`${code}: ${name}`), { code });
  }
}
