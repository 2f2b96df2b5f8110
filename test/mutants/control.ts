/**
 * The control: the sources without a mutant must pass whatever a mutant is said to fail, or a kill
 * would be worth nothing.
 */
import { runKiller, runSimulator } from "./hunters.ts";
import type { HuntSettings } from "./hunters.ts";
import type { Killer, Mutant } from "./mutant.ts";
import type { Workspace } from "./workspace.ts";

export class Control {
  /** Seeds that fail without any mutant, and with which invariant. */
  readonly failing: Map<number, string> = new Map();
  /** Never holds a mutant. */
  private readonly workspace: Workspace;
  private readonly settings: HuntSettings;
  private readonly asked: Map<string, Promise<boolean>> = new Map();

  constructor(workspace: Workspace, settings: HuntSettings) {
    this.workspace = workspace;
    this.settings = settings;
  }

  /** Whether the sources as they are pass a seed that a mutant failed. */
  passes(seed: number, args: readonly string[] = []): Promise<boolean> {
    const key = [seed, ...args].join(" ");
    const asked = this.asked.get(key) ?? this.ask(seed, args);
    this.asked.set(key, asked);
    return asked;
  }

  private async ask(seed: number, args: readonly string[]): Promise<boolean> {
    const range = { from: seed, to: seed };
    const sighting = await runSimulator(this.workspace, range, this.settings, args);
    if (sighting.kind === "failed") this.failing.set(seed, sighting.invariant);
    return sighting.kind === "clean";
  }

  /** What fails of the first seeds and of the tests that mutants name. */
  async findFaults(mutants: readonly Mutant[], seeds: number): Promise<string[]> {
    const tasks: (() => Promise<string[]>)[] = [];
    const runs = new Map<string, readonly string[]>();
    const killers = new Map<string, Killer>();
    for (const { hunt, killer } of mutants) {
      const { args = [] } = hunt ?? {};
      if (hunt?.seeds !== 0) runs.set(args.join(" "), args);
      if (killer === undefined || this.settings.simulatorOnly) continue;
      killers.set(`${killer.file}: ${killer.name ?? ""}`, killer);
    }
    for (const args of runs.values()) tasks.push(() => this.simulatorFaults(seeds, args));
    for (const [title, killer] of killers) {
      tasks.push(async () => {
        const { code } = await runKiller(this.workspace, killer);
        return code === 0 ? [] : [title];
      });
    }
    const faults: string[] = [];
    const work = async (): Promise<void> => {
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
        faults.push(...(await task()));
      }
    };
    await Promise.all(Array.from({ length: this.settings.jobs }, work));
    return faults;
  }

  private async simulatorFaults(seeds: number, args: readonly string[]): Promise<string[]> {
    const range = { from: 1, to: seeds };
    const sighting = await runSimulator(this.workspace, range, this.settings, args);
    return sighting.kind === "clean" ? [] : [`the simulator: ${JSON.stringify(sighting)}`];
  }
}
