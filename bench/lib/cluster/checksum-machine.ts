/**
 * The least that a state machine can do, so that the engine is measured and not a store: it adds up
 * what stands in the commands. Of a long command the first bytes, since a store looks at the key
 * and moves the rest as a whole.
 */
import type { CreateStateMachine, Entry, StateMachine } from "../../../src/index.ts";

const readBytesMax = 32;

class ChecksumMachine implements StateMachine {
  private sum = 0;
  private applied = 0;
  private readonly result: Uint8Array = new Uint8Array(8);

  apply({ bytes, start, end }: Entry): Uint8Array {
    let { sum } = this;
    const stop = Math.min(end, start + readBytesMax);
    for (let at = start; at < stop; at += 1) sum = (Math.imul(sum, 31) + (bytes[at] ?? 0)) | 0;
    this.sum = (sum + end - start) | 0;
    this.applied += 1;
    return this.answer();
  }

  query(): Uint8Array {
    return this.answer();
  }

  digest(): string {
    return `${this.sum}/${this.applied}`;
  }

  private answer(): Uint8Array {
    const { result, sum, applied } = this;
    result[0] = sum;
    result[1] = sum >>> 8;
    result[2] = sum >>> 16;
    result[3] = sum >>> 24;
    result[4] = applied;
    result[5] = applied >>> 8;
    result[6] = applied >>> 16;
    result[7] = applied >>> 24;
    return result;
  }
}

export const createStateMachine: CreateStateMachine = () => new ChecksumMachine();
