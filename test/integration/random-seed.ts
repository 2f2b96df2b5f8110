/** The seed of a random test: given, or new; a test prints how to run it again. */
import type { TestContext } from "node:test";
import { Prng } from "../../src/base/index.ts";

export const randomSeed: number = Number(process.env["FLOTILLA_SEED"] ?? Date.now() % 1_000_000);

export function seededPrng(t: TestContext, file: string): Prng {
  const repeat = `npm test -- --only ${file} --seed ${randomSeed}`;
  t.diagnostic(`seed ${randomSeed}; repeat with: ${repeat}`);
  return new Prng(randomSeed);
}

/**
 * How often a test draws by chance: `quick` times in the gate, where time is short, and as often
 * again for each round that `--rounds` asks for.
 */
export function roundsOf(quick: number): number {
  return quick * Number(process.env["FLOTILLA_ROUNDS"] ?? 1);
}
