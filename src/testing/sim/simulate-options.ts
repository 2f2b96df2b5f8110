/** What `simulate` takes, checked: every fault is reported at once. */
import { RaftError, messageOf, optionError, resolveOptions } from "../../base/index.ts";
import type { OptionTable } from "../../base/index.ts";
import type { Durability } from "../../log/index.ts";
import { raftOptionTable } from "../../raft/index.ts";
import { shardOptionTable } from "../../shard/index.ts";
import type { CreateStateMachine, ShardOptions } from "../../shard/index.ts";
import type { Recorded } from "./history.ts";
import type { Broken } from "./outcome.ts";
import type { Script } from "./script.ts";
import type { SimulatedOperation } from "./seen-by-clients.ts";
import { calm } from "./settings.ts";
import type { WorldNumbers } from "./settings.ts";
import type { Workload } from "./workload.ts";

const table = {
  seed: {
    kind: "integer",
    default: 1,
    min: 0,
    max: 0xffff_ffff,
    unit: "",
    why: "the first seed; each gives another run, and always the same",
  },
  seeds: {
    kind: "integer",
    default: 20,
    min: 1,
    max: 0xffff_ffff,
    unit: "seeds",
    why: "how many seeds from the first on",
  },
  shrink: {
    kind: "flag",
    default: true,
    why: "whether a failing script is made smaller",
  },
  shrinkRunsMax: {
    kind: "integer",
    default: 400,
    min: 0,
    max: 1_000_000,
    unit: "runs",
    why: "how often a smaller script is tried for one failure; more runs find smaller scripts",
  },
  failuresMax: {
    kind: "integer",
    default: 1,
    min: 1,
    max: 0xffff_ffff,
    unit: "failures",
    why: "the simulation ends with so many failures, since shrinking each takes its time",
  },
} as const satisfies OptionTable;

const engineTable = {
  ...shardOptionTable,
  ...raftOptionTable,
  durability: {
    kind: "choice",
    default: "strict",
    choices: ["strict", "pipelined", "none"],
    why: "none may lose what was acknowledged, and is then found to do so",
  },
} as const satisfies OptionTable;

/** Settings of the simulated world that need not be drawn; test/README.md lists them. */
export type SimulationSettings = Partial<Omit<WorldNumbers, "seed">> &
  Partial<ShardOptions> & { readonly durability?: Durability };

/** One run, as it ends. */
export interface SimulatedRun {
  /** Undefined where a script was given. */
  readonly seed: number | undefined;
  readonly script: Script;
  readonly operations: readonly Recorded[];
  readonly broken: Broken | undefined;
}

export interface SimulateOptions {
  /** Makes the machines, as the module that an engine loads does. @default registers, by key */
  readonly stateMachine?: CreateStateMachine | undefined;
  /**
   * Draws what clients ask of the machine, one operation at a time, from nothing but `random`. None
   * may be larger than `commandBytesMax`. Only with a `stateMachine`.
   * @default up to 40 random bytes
   */
  readonly workload?: Workload | undefined;
  /** The first seed, 0 to 2^32 - 1. @default 1 */
  readonly seed?: number | undefined;
  /** How many seeds from the first on, or the seeds themselves. @default 20 */
  readonly seeds?: number | Iterable<number> | undefined;
  /** A script to run instead of seeds, as `failures` brought it. */
  readonly script?: string | undefined;
  /**
   * Settings that are the same in every run: options of the engine, and of the simulated world.
   * @default all are drawn from the seed, but `commandBytesMax` and `applyError`
   */
  readonly options?: SimulationSettings | undefined;
  /** Whether the script of a failure is made smaller. @default true */
  readonly shrink?: boolean | undefined;
  /** Smaller scripts tried for one failure, in runs. @default 400 */
  readonly shrinkRunsMax?: number | undefined;
  /** Ends with so many failures. @default 1 */
  readonly failuresMax?: number | undefined;
  /**
   * Judges what the clients of one run saw; throws where it must not be. Only with a
   * `stateMachine`.
   */
  readonly check?: ((operations: readonly SimulatedOperation[]) => void) | undefined;
  /**
   * Is told each run as it happens, a line an event: simulated µs, then what is done to the world,
   * messages, durable writes, roles. Slow, and much text.
   */
  readonly trace?: ((line: string) => void) | undefined;
  /** Called after each run, before a failure is shrunk. */
  readonly onRun?: ((run: SimulatedRun) => void) | undefined;
  /** Called when a failure has been shrunk. */
  readonly onFailure?: ((failure: SimulationFailure) => void) | undefined;
}

export interface SimulationFailure {
  /** Undefined where a script was given. */
  readonly seed: number | undefined;
  /**
   * The check's name; "check" for the user's own, "crash" where the engine threw, "determinism"
   * where the same script did something else when run again.
   */
  readonly invariant: string;
  readonly message: string;
  /** The script, shrunk if so wished, with what it comes to; `script` of `simulate` takes it. */
  readonly script: string;
  /** Actions of the script before it was shrunk. */
  readonly actionsDrawn: number;
  /** How to see it again. */
  readonly repeat: string;
}

export interface ResolvedSimulation {
  readonly shrink: boolean;
  readonly shrinkRunsMax: number;
  readonly failuresMax: number;
  readonly seedList: Iterable<number>;
}

const functions = ["stateMachine", "workload", "check", "trace", "onRun", "onFailure"] as const;
const others = ["script", "options"] as const;

/** @throws ERR_OPTION_INVALID listing all faults */
export function resolveSimulateOptions(given: SimulateOptions): ResolvedSimulation {
  const faults: { option: string; message: string }[] = [];
  for (const option of functions) {
    const value: unknown = given[option];
    if (value !== undefined && typeof value !== "function") {
      faults.push({ option, message: `must be a function, got ${typeof value}` });
    }
  }
  for (const option of ["workload", "check"] as const) {
    if (given[option] === undefined || given.stateMachine !== undefined) continue;
    faults.push({ option, message: "is of no use without a stateMachine" });
  }
  const { script, options, seeds } = given;
  if (script !== undefined && typeof script !== "string") {
    faults.push({ option: "script", message: `must be text, got ${typeof script}` });
  }
  faults.push(...settingFaults(options ?? {}));
  const rest: Record<string, unknown> = { ...given };
  for (const option of [...functions, ...others]) delete rest[option];
  const isList = typeof seeds === "object" && seeds !== null && Symbol.iterator in seeds;
  if (isList) delete rest["seeds"];
  const values = resolveOptions(table, rest, () => [], faults);
  return { ...values, seedList: isList ? seeds : range(values.seed, values.seeds) };
}

function settingFaults(settings: Readonly<Record<string, unknown>>): {
  option: string;
  message: string;
}[] {
  if (typeof settings !== "object" || settings === null) {
    return [{ option: "options", message: `must be an object, got ${String(settings)}` }];
  }
  const found: string[] = [];
  const ofEngine: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (name in engineTable) ofEngine[name] = value;
    else if (name === "seed" || !(name in calm)) found.push(`${name} is not a setting`);
    else if (typeof value !== "number" || !(value >= 0)) {
      found.push(`${name} must be a number of at least 0, got ${String(value)}`);
    }
  }
  try {
    resolveOptions(engineTable, ofEngine);
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
    found.push(error.message.replace("Invalid options: ", ""));
  }
  return found.map((message) => ({ option: "options:", message }));
}

function* range(first: number, count: number): Generator<number> {
  for (let seed = first; seed < first + count; seed += 1) yield seed;
}

/** What a workload threw, or an operation of it that no group could take. */
export function workloadFailed(seed: number, cause: unknown): RaftError {
  return optionError([`workload failed for seed ${seed}: ${messageOf(cause)}`]);
}
