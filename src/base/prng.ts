/**
 * Seeded randomness (xoshiro128**, Blackman and Vigna 2018). The only source of chance below
 * `engine`, so a seed repeats a run.
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    // SplitMix32 spreads a small seed over the whole state; xoshiro must not start from zero.
    let z = seed >>> 0;
    const next = (): number => {
      z = (z + 0x9e3779b9) >>> 0;
      let t = z ^ (z >>> 16);
      t = Math.imul(t, 0x21f0aaad);
      t ^= t >>> 15;
      t = Math.imul(t, 0x735a2d97);
      return (t ^ (t >>> 15)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  /** An unsigned 32-bit integer. */
  uint32(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** An integer in [lo, hi). */
  between(lo: number, hi: number): number {
    return lo + Math.floor((this.uint32() / 0x1_0000_0000) * (hi - lo));
  }

  /** True with the given probability, 0 to 1. */
  chance(ratio: number): boolean {
    return this.uint32() / 0x1_0000_0000 < ratio;
  }

  /** A random integer in [1, 2^48). */
  incarnation(): number {
    return this.between(0, 0x1_0000) * 0x1_0000_0000 + (this.uint32() || 1);
  }
}
