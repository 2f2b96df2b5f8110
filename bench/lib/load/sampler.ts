/**
 * Chooses one in so many at random distances: an even one would always meet the same kind of call
 * where kinds take turns.
 */
export class Sampler {
  private readonly every: number;
  private left = 1;

  /** At least 1, which takes all. */
  constructor(every: number) {
    this.every = every;
  }

  take(): boolean {
    this.left -= 1;
    if (this.left > 0) return false;
    this.left = this.every === 1 ? 1 : 1 + Math.floor(Math.random() * (2 * this.every - 1));
    return true;
  }
}
