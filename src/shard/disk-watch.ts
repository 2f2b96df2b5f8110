/**
 * Whether the disk still makes progress. A store that writes on another thread leaves the shard's
 * loop running when its disk hangs: heartbeats and signs of life would go on, and the shard would
 * keep groups that it cannot serve (etcd #13527, #15247). So their time stands still, and their
 * leaders resign, once no commit in flight has ended for an election timeout.
 *
 * Time is counted in ticks that this shard has seen, a few per turn at most: a process that was
 * stopped must not take its own pause for the disk's.
 */
export class DiskWatch {
  private readonly ticksMax: number;
  private ticks = 0;

  constructor(ticksMax: number) {
    this.ticksMax = ticksMax;
  }

  get isStalled(): boolean {
    return this.ticks >= this.ticksMax;
  }

  /** A commit has ended, or begins with none before it. */
  progressed(): void {
    this.ticks = 0;
  }

  /** Ticks pass with commits in flight; returns whether the disk counts as stalled from now on. */
  tick(ticks: number): boolean {
    const wasStalled = this.isStalled;
    this.ticks += ticks;
    return !wasStalled && this.isStalled;
  }
}
