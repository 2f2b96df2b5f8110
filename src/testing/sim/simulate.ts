/**
 * The simulator as one call: seeds in, failures out. Each seed is a run of whole shards over
 * simulated disks, clocks and a simulated network, in the faults that the seed draws; what is run
 * is the real engine below its main thread, and the state machine given.
 */
import { RaftError } from "../../base/index.ts";
import type { Broken } from "./outcome.ts";
import { planOf } from "./plan.ts";
import { runScript } from "./run.ts";
import type { RunOptions, RunResult } from "./run.ts";
import { changeWorld, parseSettings } from "./settings.ts";
import { formatScript, parseScript } from "./script.ts";
import type { Script } from "./script.ts";
import { shrink } from "./shrink.ts";
import { resolveSimulateOptions, workloadFailed } from "./simulate-options.ts";
import type { SimulateOptions, SimulationFailure } from "./simulate-options.ts";
import { Tally } from "./tally.ts";
import { randomBytes } from "./workload.ts";

export interface SimulationResult {
  /** Runs of different seeds, or of the script. */
  readonly seeds: number;
  /** Events of all those runs. */
  readonly events: number;
  /** Simulated time of all those runs, in µs. */
  readonly simulatedUs: number;
  /** Empty where every invariant held. */
  readonly failures: readonly SimulationFailure[];
  /** How often each fault happened, by its name; one that is missing was not tested. */
  readonly faults: Readonly<Record<string, number>>;
  /** How often other things happened: calls, answers, messages, starts. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Every so many seeds one runs twice, and must do the same both times. */
const twiceEvery = 10;

/**
 * Runs a state machine in simulated clusters that crash, lose messages and disks, and stand still,
 * and checks the invariants of every layer, among them: every replica computes the same results
 * from the same entries, again after each restart, and ends in the same state by its `digest()`.
 *
 * Deterministic: the same seeds, machine, workload and options give the same runs. A machine that
 * is not deterministic itself is what this finds.
 * @throws ERR_OPTION_INVALID listing all faults of the options; also where the script is wrong or
 * the workload threw. What the simulation finds is in `failures`.
 * @example
 * const { failures } = await simulate({
 *   stateMachine: createStateMachine,
 *   workload: (random) => ({ command: encode({ add: random.between(1, 10) }) }),
 *   seeds: 50,
 * });
 */
export async function simulate(options: SimulateOptions = {}): Promise<SimulationResult> {
  const { seedList, failuresMax, shrink: shrinks, shrinkRunsMax } = resolveSimulateOptions(options);
  const simulation = new Simulation(options, shrinks ? shrinkRunsMax : 0);
  if (options.script !== undefined) {
    await simulation.run(parseScript(options.script), undefined);
    return simulation.result();
  }
  for (const seed of seedList) {
    const script = drawScript(seed, options);
    await simulation.run(script, seed);
    if (simulation.failures.length >= failuresMax) break;
  }
  return simulation.result();
}

function drawScript(seed: number, { stateMachine, workload, options }: SimulateOptions): Script {
  const own = stateMachine === undefined ? undefined : (workload ?? randomBytes);
  const fixed = { ...options };
  // The world's own faults are not the workload's.
  parseSettings(changeWorld("world", fixed));
  try {
    return planOf(seed, { workload: own, fixed });
  } catch (error) {
    throw workloadFailed(seed, error);
  }
}

class Simulation {
  readonly failures: SimulationFailure[] = [];
  private readonly tally: Tally = new Tally();
  private readonly options: SimulateOptions;
  private readonly runOptions: RunOptions;
  /** For runs that are repeated. */
  private readonly silentOptions: RunOptions;
  private readonly shrinkRunsMax: number;
  private seeds = 0;
  private events = 0;
  private simulatedUs = 0;

  constructor(options: SimulateOptions, shrinkRunsMax: number) {
    const { stateMachine, check } = options;
    this.options = options;
    this.shrinkRunsMax = shrinkRunsMax;
    const registers = stateMachine === undefined;
    this.silentOptions = { createStateMachine: stateMachine, registers, check };
    this.runOptions = { ...this.silentOptions, trace: options.trace };
  }

  async run(script: Script, seed: number | undefined): Promise<void> {
    const result = await runScript(script, this.runOptions);
    this.take(result);
    let { broken } = result;
    if (broken === undefined && this.seeds % twiceEvery === 0)
      broken = await this.repeat(script, result);
    const { operations } = result;
    this.options.onRun?.({ seed, script, operations, broken });
    if (broken !== undefined) await this.fail(script, broken, seed);
  }

  result(): SimulationResult {
    const { seeds, events, simulatedUs, failures, tally } = this;
    const [faults, counts] = [sorted(tally.faults), sorted(tally.counts)];
    return { seeds, events, simulatedUs, failures, faults, counts };
  }

  private take({ events, simulatedUs, tally, operations }: RunResult): void {
    this.seeds += 1;
    this.events += events;
    this.simulatedUs += simulatedUs;
    this.tally.add(tally);
    for (const { kind, outcome } of operations) {
      this.tally.count(`operation ${kind}: ${outcome === "pending" ? "unknown" : outcome}`);
    }
  }

  private async repeat(script: Script, first: RunResult): Promise<Broken | undefined> {
    const again = await runScript(script, this.silentOptions);
    if (again.hash === first.hash) return undefined;
    const invariant = "determinism";
    return { invariant, message: "the second run of the same script did something else" };
  }

  private async fail(script: Script, broken: Broken, seed: number | undefined): Promise<void> {
    const least = await this.shrunk(script, broken);
    const failure: SimulationFailure = {
      seed,
      ...broken,
      script: formatScript(least),
      actionsDrawn: script.actions.length,
      repeat: seed === undefined ? "simulate({ script })" : `simulate({ seed: ${seed}, seeds: 1 })`,
    };
    this.failures.push(failure);
    this.options.onFailure?.(failure);
  }

  private async shrunk(script: Script, { invariant, message }: Broken): Promise<Script> {
    const whole = { ...script, expected: `${invariant}: ${message}` };
    // Whether a script does the same twice is not seen in one run of a part of it.
    if (this.shrinkRunsMax === 0 || invariant === "determinism") return whole;
    let { expected } = whole;
    const fails = async (candidate: Script): Promise<boolean> => {
      const { broken, outcome } = await this.tryRun(candidate);
      if (broken?.invariant !== invariant) return false;
      expected = outcome;
      return true;
    };
    const least = await shrink(script, fails, this.shrinkRunsMax);
    return { ...least, expected };
  }

  /** A part of a script may make no sense where the whole did: settings that need each other. */
  private async tryRun(script: Script): Promise<Pick<RunResult, "broken" | "outcome">> {
    try {
      return await runScript(script, this.silentOptions);
    } catch (error) {
      if (error instanceof RaftError) return { broken: undefined, outcome: "" };
      throw error;
    }
  }
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
