/** The seed of a random test: given, or new; a test prints how to run it again. */
import type { TestContext } from "node:test";
import { Prng } from "../../src/base/index.ts";

const seed = Number(process.env["FLOTILLA_SEED"] ?? Date.now() % 1_000_000);

export function seededPrng(t: TestContext, file: string): Prng {
  t.diagnostic(`seed ${seed}; repeat with: npm test -- --only ${file} --seed ${seed}`);
  return new Prng(seed);
}
