/**
 * Which transactions a shard writes itself, where a thread could do it. A disk that hangs holds up
 * the shard with them; the thread costs each of them two hops. Measured with bench, strict: one
 * proposal at a time took 3 to 30 % longer with the thread, and 24,576 in flight were 5 % fewer a
 * second. So a disk is trusted until it stalls, and again after it has not stalled for long: the
 * shard waits for the first stall, and not for those that follow it.
 */

/** In milliseconds: a sound disk takes less, and no follower gives up its leader for it. */
const stallMsDefault = 250;
/** Transactions without a stall after one, for each of its milliseconds. */
const commitsPerStallMs = 100;

export class OwnCommits {
  readonly #stallMs: number;
  /** Transactions until the disk is trusted again. */
  #distrust = 0;

  constructor(stallMs: number = stallMsDefault) {
    this.#stallMs = stallMs;
  }

  get trusted(): boolean {
    return this.#distrust === 0;
  }

  /** How long a transaction took. */
  took(ms: number): void {
    if (this.#distrust > 0) this.#distrust -= 1;
    if (ms < this.#stallMs) return;
    this.#distrust = Math.max(this.#distrust, Math.ceil(ms * commitsPerStallMs));
  }
}
