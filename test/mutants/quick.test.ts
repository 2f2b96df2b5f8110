/** A few mutants that must die at once: a simulator that has gone blind would let them live. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { catalogue } from "./catalogue/index.ts";
import { killChildren } from "./child.ts";
import { describeVerdict } from "./hunt.ts";
import { runSafari } from "./safari.ts";
import { simulatorPath } from "./simulator.ts";
import { removeWorkspaces } from "./workspace.ts";

after(() => {
  killChildren();
  removeWorkspaces();
});

test("the simulator notices each quick mutant", async (t) => {
  const { verdicts } = await runSafari(
    catalogue.filter(({ quick }) => quick === true),
    {
      jobs: 2,
      seeds: 40,
      controlSeeds: 3,
      timeoutMs: 60_000,
      simulator: simulatorPath,
      simulatorOnly: true,
      tell: (line) => t.diagnostic(line),
    },
  );
  const others = verdicts.filter(({ outcome }) => outcome !== "killed");
  assert.deepEqual(others.map(describeVerdict), []);
});
