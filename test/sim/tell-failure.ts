/** Tells of a failure so that it can be worked on: what broke, how to repeat it, and the least script. */
import { execFileSync } from "node:child_process";
import { formatScript, runScript, shrink } from "../../src/testing/index.ts";
import type { Failure } from "./campaign.ts";

export async function tellFailure(failure: Failure, shrinkRuns: number): Promise<void> {
  const { seed, invariant, message, script } = failure;
  const repeat =
    seed === undefined ? "npm run sim -- --script FILE" : `npm run sim -- --seed ${seed}`;
  const lines = [
    "",
    `${seed === undefined ? "the script" : `seed ${seed}`} breaks ${invariant}: ${message}`,
    `commit ${commit()}; repeat with ${repeat}`,
  ];
  process.stderr.write(`${lines.join("\n")}\n`);
  if (shrinkRuns === 0) return;
  const least = await shrink(
    script,
    async (candidate) => (await runScript(candidate)).broken?.invariant === invariant,
    shrinkRuns,
  );
  const { broken } = await runScript(least);
  const expected = `${broken?.invariant}: ${broken?.message}`;
  const head = `shrunk to ${least.actions.length} of ${script.actions.length} lines:`;
  process.stderr.write(`${head}\n${formatScript({ ...least, expected })}`);
}

function commit(): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown (no git here)";
  }
}
