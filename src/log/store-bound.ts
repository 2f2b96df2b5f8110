/**
 * How much of something the log of a shard may use, and what is refused at the bound:
 *
 *      │ entries are taken │ reserve: ballots, commit indexes, descriptors │ nothing is taken
 *                          └ bytesMax - reserve                            └ bytesMax
 *
 * A log that takes no more entries still elects, answers reads and stops groups, and each of these
 * writes a little. One that is found beyond its bound when it is opened, since the option was
 * lowered, is opened as it is and has the reserve anew.
 */
import { RaftError } from "../base/index.ts";

const reserveShare = 1 / 8;
const reserveBytesMax = 67_108_864;

export interface StoreBoundSpec {
  /** The option that sets it. */
  readonly option: string;
  readonly bytesMax: number;
  /** What it bounds, for messages. */
  readonly what: string;
}

export class StoreBound {
  readonly #spec: StoreBoundSpec;
  readonly #reserveBytes: number;
  #bytesMax: number;

  constructor(spec: StoreBoundSpec) {
    this.#spec = spec;
    this.#reserveBytes = Math.min(reserveBytesMax, Math.floor(spec.bytesMax * reserveShare));
    this.#bytesMax = spec.bytesMax;
  }

  /** The bound beyond which nothing is taken. */
  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** Up to here entries are taken. */
  get entryBytesMax(): number {
    return this.#spec.bytesMax - this.#reserveBytes;
  }

  /** What was found at open. */
  begin(usedBytes: number): void {
    this.#bytesMax = Math.max(this.#spec.bytesMax, usedBytes + this.#reserveBytes);
  }

  /** Why no more entries are taken while so much is used. */
  entryRefusal(usedBytes: number): RaftError | undefined {
    return usedBytes <= this.entryBytesMax ? undefined : this.#full(usedBytes);
  }

  /** Why a commit is not taken after which so much would be used. */
  refusal(usedBytes: number): RaftError | undefined {
    return usedBytes <= this.#bytesMax ? undefined : this.#full(usedBytes);
  }

  #full(usedBytes: number): RaftError {
    const { option, what, bytesMax } = this.#spec;
    const message = `The log is full: ${what} takes ${usedBytes} of ${bytesMax} bytes (${option}); raise ${option} and restart this node`;
    return new RaftError("ERR_STORE_FULL", message);
  }
}
