/** What mutants are hunted with: the simulator, and tests. */
import type { Ending } from "./child.ts";
import type { Killer } from "./mutant.ts";
import { readSighting, simulatorArgs } from "./simulator.ts";
import type { SeedRange, Sighting } from "./simulator.ts";
import type { Workspace } from "./workspace.ts";

export interface HuntSettings {
  /** The simulator's script, absolute or from the workspace. */
  readonly simulator: string;
  /** Overrides what mutants ask for. */
  readonly seeds: number | undefined;
  /** Of one run of the simulator. */
  readonly timeoutMs: number;
  /** Mutants hunted at a time. */
  readonly jobs: number;
  /** Ask no other tests: what does the simulator find by itself? */
  readonly simulatorOnly: boolean;
}

const killerMs = 240_000;

export async function runSimulator(
  workspace: Workspace,
  range: SeedRange,
  { simulator, timeoutMs }: HuntSettings,
  args: readonly string[],
): Promise<Sighting> {
  return readSighting(await workspace.run([simulator, ...simulatorArgs(range, args)], timeoutMs));
}

export function runKiller(workspace: Workspace, { file, name }: Killer): Promise<Ending> {
  const script = `dist/${file.replace(/\.ts$/, ".js")}`;
  const pattern = name === undefined ? [] : ["--test-name-pattern", escape(name)];
  return workspace.run([...pattern, script], killerMs);
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
