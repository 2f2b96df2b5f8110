/** Hunts many mutants side by side, each worker in a workspace of its own. */
import { Control } from "./control.ts";
import { describeVerdict, huntMutant } from "./hunt.ts";
import type { Verdict } from "./hunt.ts";
import type { HuntSettings } from "./hunters.ts";
import type { Mutant } from "./mutant.ts";
import { Workspace } from "./workspace.ts";

export interface SafariSettings extends HuntSettings {
  /** Seeds that the sources must pass first, without a mutant. */
  readonly controlSeeds: number;
  readonly tell: (line: string) => void;
}

export interface Bag {
  /** In the order of the mutants. */
  readonly verdicts: readonly Verdict[];
  /** Seeds at which the sources themselves failed; no mutant was called killed by them. */
  readonly failing: ReadonlyMap<number, string>;
}

/** @throws where the sources do not compile, or fail without any mutant. */
export async function runSafari(
  mutants: readonly Mutant[],
  settings: SafariSettings,
): Promise<Bag> {
  const { tell } = settings;
  const pristine = Workspace.make();
  await pristine.build();
  tell(`control: ${settings.controlSeeds} seeds and every named test without a mutant`);
  const control = new Control(pristine, settings);
  const faults = await control.findFaults(mutants, settings.controlSeeds);
  if (faults.length > 0) throw new Error(`fails without a mutant: ${faults.join("; ")}`);
  const verdicts = new Map<string, Verdict>();
  const queue = [...mutants];
  const work = async (): Promise<void> => {
    const ground = { workspace: Workspace.make(pristine.dir), control, settings };
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const verdict = await huntMutant(ground, mutant);
      verdicts.set(mutant.name, verdict);
      tell(`${verdicts.size}/${mutants.length} ${describeVerdict(verdict)}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(settings.jobs, mutants.length) }, work));
  const ordered = mutants.flatMap(({ name }) => verdicts.get(name) ?? []);
  return { verdicts: ordered, failing: control.failing };
}
