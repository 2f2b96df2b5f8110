/**
 * What the search of `linearizability.ts` has tried: sets of placed operations, each with the state
 * they led to (Lowe 2017, §4). A set is not copied whole, or a long history would cost the square
 * of its length: all answered operations before the first that has no place are in it, and none is
 * that was called after that one's return. Only the bits between are kept.
 */
import type { Event, EventLists } from "./event-list.ts";

interface States<State> {
  equal(a: State, b: State): boolean;
  hash(state: State): number;
}

interface Tried<State> {
  readonly first: number;
  readonly bits: readonly number[];
  readonly state: State;
}

const wordBits = 5;
const inWord = 31;

export class Memo<State> {
  private readonly states: States<State>;
  private readonly calledBeforeReturn: Uint32Array;
  private readonly answered: Int32Array;
  private readonly optional: Int32Array;
  private readonly tried: Map<number, Tried<State>[]> = new Map();

  constructor(states: States<State>, lists: EventLists<unknown>) {
    this.states = states;
    this.calledBeforeReturn = lists.calledBeforeReturn;
    this.answered = new Int32Array(wordsFor(lists.answered.length));
    this.optional = new Int32Array(wordsFor(lists.optional.length));
  }

  /** Puts an operation into the set, or takes it out. */
  toggle({ kind, at }: Event): void {
    const words = kind === "optional" ? this.optional : this.answered;
    words[at >>> wordBits] = (words[at >>> wordBits] ?? 0) ^ (1 << (at & inWord));
  }

  /**
   * Notes the present set, whose first answered operation without a place is `first`, with a state.
   * Returns whether that is new.
   */
  maybeAdd(first: number, state: State): boolean {
    const bits = this.bitsFrom(first);
    let hash = Math.imul(first + 1, 0x9e37_79b1) ^ this.states.hash(state);
    for (const word of bits) hash = mix(hash ^ word);
    const bucket = this.tried.get(hash);
    if (bucket === undefined) {
      this.tried.set(hash, [{ first, bits, state }]);
      return true;
    }
    const found = bucket.some(
      (other) =>
        other.first === first &&
        this.states.equal(other.state, state) &&
        // Sets with the same first operation have the same number of words.
        other.bits.every((word, at) => word === bits[at]),
    );
    if (!found) bucket.push({ first, bits, state });
    return !found;
  }

  private bitsFrom(first: number): number[] {
    const end = wordsFor(this.calledBeforeReturn[first] ?? 0);
    const bits: number[] = [];
    for (let at = first >>> wordBits; at < end; at += 1) bits.push(this.answered[at] ?? 0);
    for (const word of this.optional) bits.push(word);
    return bits;
  }
}

function wordsFor(count: number): number {
  return (count + inWord) >>> wordBits;
}

/** Spreads the bits of a word (the finalizer of MurmurHash3). */
function mix(word: number): number {
  const half = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  const whole = Math.imul(half ^ (half >>> 13), 0xc2b2_ae35);
  return whole ^ (whole >>> 16);
}
