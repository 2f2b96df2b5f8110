/** Lets at most so many calls run at once; others wait for their turn, in the order they came. */
import { RaftError } from "../base/index.ts";

export class Pace {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  /** @throws ERR_BUSY if too many wait already, and what the call throws */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#running < this.#runningMax) this.#running += 1;
    else await this.#turn();
    try {
      return await call();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) {
      const message = `${this.#waitingMax} calls wait for their turn (callsMax)`;
      return Promise.reject(new RaftError("ERR_BUSY", message));
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
