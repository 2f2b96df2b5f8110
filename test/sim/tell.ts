/** Tells what seeds came to so that it can be worked on: what broke, how to repeat it, in how little. */
import { execFileSync } from "node:child_process";
import type { Broken, SimulationFailure, SimulationResult } from "../../src/testing/index.ts";

export function tellBroken({ invariant, message }: Broken, seed: number | undefined): void {
  const [what, repeat] =
    seed === undefined ? ["the script", "--script FILE"] : [`seed ${seed}`, `--seed ${seed}`];
  const lines = [
    "",
    `${what} breaks ${invariant}: ${message}`,
    `commit ${commit()}; repeat with npm run sim -- ${repeat}`,
  ];
  process.stderr.write(`${lines.join("\n")}\n`);
}

export function tellShrunk({ script, actionsDrawn }: SimulationFailure): void {
  const actions = script.split("\n").filter((line) => line.startsWith("at=")).length;
  process.stderr.write(`shrunk to ${actions} of ${actionsDrawn} lines:\n${script}`);
}

export function tellSummary(
  { seeds, events, simulatedUs, failures, faults, counts }: SimulationResult,
  { seconds, json }: { seconds: number; json: boolean },
): void {
  const summary = {
    seeds,
    seconds: Number(seconds.toFixed(1)),
    events,
    eventsPerSecond: Math.round(events / seconds),
    simulatedSeconds: Math.round(simulatedUs / 1_000_000),
    failures: failures.map(({ seed, invariant, message }) => ({ seed, invariant, message })),
    faults,
    counts,
  };
  process.stdout.write(`${json ? JSON.stringify(summary) : JSON.stringify(summary, null, 2)}\n`);
}

function commit(): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown (no git here)";
  }
}
