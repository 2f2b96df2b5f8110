import assert from "node:assert/strict";
import { test } from "node:test";
import { firstSeed, howToRepeat } from "./raft-repeat.ts";
import { RandomGroup } from "./raft-random-group.ts";

const seeds = 300;
const stepsASeed = 2000;
/** Eight stretched election timeouts, then a few elections that may collide. */
const ticksMax = 400;

function run(seed: number): ReturnType<RandomGroup["runSafety"]> {
  try {
    const group = new RandomGroup(seed);
    const counts = group.runSafety(stepsASeed);
    group.runLiveness(ticksMax);
    return counts;
  } catch (error) {
    const fault = error instanceof Error ? error.stack : String(error);
    throw new Error(`${howToRepeat(seed, "property/raft-group")}\n${fault}`, { cause: error });
  }
}

test("a group stays safe under random faults and gets on once they end", (t) => {
  t.diagnostic(howToRepeat(firstSeed, "property/raft-group"));
  const total = { committed: 0, reads: 0, crashes: 0, terms: 0 };
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    const counts = run(seed);
    total.committed += counts.committed;
    total.reads += counts.reads;
    total.crashes += counts.crashes;
    total.terms += counts.terms;
  }
  t.diagnostic(JSON.stringify(total));
  // A scheduler that never lets anything happen would find nothing wrong.
  assert.ok(total.committed > 10 * seeds, `${total.committed} entries were committed`);
  assert.ok(total.reads > seeds, `${total.reads} reads were confirmed`);
  assert.ok(total.crashes > seeds && total.terms > seeds);
});
