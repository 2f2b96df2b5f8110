/** Random tests start from FLOTILLA_SEED, or from anywhere; what they print says how to run the same again. */

const given = process.env["FLOTILLA_SEED"];

export const firstSeed: number =
  given === undefined ? Math.floor(Math.random() * 0x7fff_0000) : Number(given);

/** Settings of a fast-check run that a seed repeats. */
export function repeatable(numRuns: number): { readonly seed: number; readonly numRuns: number } {
  return { seed: firstSeed, numRuns };
}

export function howToRepeat(seed: number, file: string): string {
  return `seed ${seed}; repeat with: npm test -- --only ${file} --seed ${seed}`;
}
