/** Hunts one mutant: with the simulator, then with the test that it names. */
import { messageOf } from "../../src/base/index.ts";
import type { Control } from "./control.ts";
import { runKiller, runSimulator } from "./hunters.ts";
import type { HuntSettings } from "./hunters.ts";
import type { Mutant } from "./mutant.ts";
import { seedsDefault } from "./simulator.ts";
import type { Workspace } from "./workspace.ts";

export interface Verdict {
  readonly name: string;
  /** `invalid`: it could not be put in place. */
  readonly outcome: "killed" | "survived" | "invalid";
  /** The invariant, the test, or why it was not killed. */
  readonly by: string;
  /** The seed that found it, where it was a seed. */
  readonly seed: number | undefined;
  readonly seconds: number;
}

type Finding = Pick<Verdict, "outcome" | "by" | "seed">;

/** Where a mutant is hunted. */
export interface Ground {
  readonly workspace: Workspace;
  readonly control: Control;
  readonly settings: HuntSettings;
}

export async function huntMutant(ground: Ground, mutant: Mutant): Promise<Verdict> {
  const startedMs = performance.now();
  let finding: Finding;
  try {
    finding = await ground.workspace.with(mutant, () => find(ground, mutant));
  } catch (error) {
    const by = messageOf(error);
    finding = { outcome: "invalid", by, seed: undefined };
  }
  return { name: mutant.name, ...finding, seconds: (performance.now() - startedMs) / 1_000 };
}

async function find(ground: Ground, mutant: Mutant): Promise<Finding> {
  const { killer } = mutant;
  const seen = await simulate(ground, mutant);
  if (seen.outcome === "killed" || killer === undefined) return seen;
  if (ground.settings.simulatorOnly) return seen;
  const { code, timedOut } = await runKiller(ground.workspace, killer);
  const where = killer.name === undefined ? killer.file : `${killer.file}: ${killer.name}`;
  // A test that does not come to its end is as good as a failed one: without the mutant it does.
  if (timedOut || code !== 0) return { outcome: "killed", by: where, seed: undefined };
  return { outcome: "survived", by: `${seen.by}; ${where} passes`, seed: undefined };
}

async function simulate(
  { workspace, control, settings }: Ground,
  mutant: Mutant,
): Promise<Finding> {
  const { seeds = seedsDefault, args = [] } = mutant.hunt ?? {};
  const to = seeds === 0 ? 0 : (settings.seeds ?? seeds);
  for (let from = 1; from <= to; ) {
    const sighting = await runSimulator(workspace, { from, to }, settings, args);
    switch (sighting.kind) {
      case "clean":
        return { outcome: "survived", by: `${to} seeds`, seed: undefined };
      case "timedOut":
        return {
          outcome: "survived",
          by: `no answer in ${settings.timeoutMs} ms`,
          seed: undefined,
        };
      case "crashed":
        return { outcome: "killed", by: `crash: ${sighting.message}`, seed: undefined };
      case "failed": {
        const { seed, invariant } = sighting;
        if (await control.passes(seed, args)) return { outcome: "killed", by: invariant, seed };
        from = seed + 1;
      }
    }
  }
  return { outcome: "survived", by: to === 0 ? "not simulated" : `${to} seeds`, seed: undefined };
}

export function describeVerdict({ name, outcome, by, seed, seconds }: Verdict): string {
  const seeds = seed === undefined ? "" : ` at seed ${seed}`;
  return `${name}: ${outcome}${seeds} (${by}) in ${seconds.toFixed(1)} s`;
}
