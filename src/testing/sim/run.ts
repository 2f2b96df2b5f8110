/** One run of a script from its first event to the verdict. */
import { setImmediate as turn } from "node:timers/promises";
import { RaftError, asError, messageOf } from "../../base/index.ts";
import type { CreateStateMachine } from "../../shard/index.ts";
import { eventKind } from "./agenda.ts";
import { AllChecks, createChecks } from "./checks/index.ts";
import type { Recorded } from "./history.ts";
import { checkHistory } from "./history-check.ts";
import { MachineContract } from "./machine-contract.ts";
import { describeOutcome } from "./outcome.ts";
import type { Broken } from "./outcome.ts";
import { RegisterProbes, RepeatedProbes } from "./probes.ts";
import { RecoveryPhase } from "./recovery-phase.ts";
import { RegisterMachine } from "./register-machine.ts";
import { Line, scriptInvalid } from "./script.ts";
import type { Script } from "./script.ts";
import { seenByClients } from "./seen-by-clients.ts";
import type { SimulatedOperation } from "./seen-by-clients.ts";
import { parseSettings } from "./settings.ts";
import type { Tally } from "./tally.ts";
import { perform } from "./verbs/index.ts";
import { Violation } from "./violation.ts";
import { World } from "./world.ts";

export interface RunOptions {
  /** Makes the machines. @default registers, as RegisterMachine has them */
  readonly createStateMachine?: CreateStateMachine | undefined;
  /**
   * The machine takes the commands of RegisterMachine, so what clients saw of registers is judged.
   * @default true
   */
  readonly registers?: boolean | undefined;
  /** Is told what happens, a line each: see trace.ts. */
  readonly trace?: ((line: string) => void) | undefined;
  /** Judges what clients saw, in the end; throws where it must not be. */
  readonly check?: ((operations: readonly SimulatedOperation[]) => void) | undefined;
}

export interface RunResult {
  /** Undefined where every invariant held. */
  readonly broken: Broken | undefined;
  readonly events: number;
  /** Over all events: equal for equal scripts. */
  readonly hash: number;
  readonly simulatedUs: number;
  readonly tally: Tally;
  readonly operations: readonly Recorded[];
  /** What came of it, as a script says it after its `----`. */
  readonly outcome: string;
}

export async function runScript(script: Script, options: RunOptions = {}): Promise<RunResult> {
  const settings = parseSettings(script.world);
  const contract = new MachineContract(options.createStateMachine ?? newRegisters);
  const world = new World({
    settings,
    createStateMachine: contract.create,
    createChecks: (stage) => new AllChecks(createChecks(stage)),
    trace: options.trace,
    turn: () => turn(),
  });
  const rejections = new Rejections();
  const { registers = true, check } = options;
  let broken: Broken | undefined;
  let asked = 0;
  let phase: RecoveryPhase | undefined;
  try {
    await runActions(world, script.actions);
    contract.rethrow();
    asked = world.history.operations.length;
    phase = new RecoveryPhase(world, registers ? new RegisterProbes() : new RepeatedProbes(script));
    await phase.run();
    await turn();
    rejections.rethrow();
    contract.rethrow();
    world.checks.atEnd?.();
    if (registers) checkHistory(world.history.operations, world.tally);
    judge(world.history.operations, check);
  } catch (error) {
    // Rejections that belong to this run come up now, and not in the next one.
    await turn();
    broken = asBroken(contract.broken ?? rejections.first ?? error);
  } finally {
    rejections.end();
  }
  const { count, hash, nowUs } = world.agenda;
  return {
    broken,
    events: count,
    hash,
    simulatedUs: nowUs,
    tally: world.tally,
    operations: world.history.operations,
    outcome: describeOutcome(world, { broken, asked, healed: phase?.healed ?? [] }),
  };
}

/** The check of the user's own: whatever it throws is a violation. */
function judge(operations: readonly Recorded[], check: RunOptions["check"]): void {
  if (check === undefined) return;
  const seen = seenByClients(operations);
  try {
    check(seen);
  } catch (error) {
    throw new Violation("check", messageOf(error));
  }
}

const newRegisters: CreateStateMachine = () => new RegisterMachine();

async function runActions(world: World, actions: readonly string[]): Promise<void> {
  let endUs = 0;
  for (const text of actions) {
    const line = new Line(text);
    const atUs = line.setting("at");
    if (atUs < endUs) throw scriptInvalid(`"${text}" comes after a later moment`);
    endUs = atUs;
    const command = text.slice(text.indexOf(" ") + 1);
    world.agenda.settleAt(atUs, eventKind.action, () => {
      world.trace?.action(command);
      perform(world, command);
    });
  }
  await world.agenda.run(endUs);
}

/** Nobody waits for a promise of the engine that is rejected: then it is a fault of the engine. */
class Rejections {
  first: Error | undefined;
  private readonly listener = (reason: unknown): void => {
    this.first ??= asError(reason);
  };

  constructor() {
    process.on("unhandledRejection", this.listener);
  }

  rethrow(): void {
    if (this.first !== undefined) throw this.first;
  }

  end(): void {
    process.off("unhandledRejection", this.listener);
  }
}

/** @throws where the script is wrong: that is no fault of what it runs */
function asBroken(error: unknown): Broken {
  if (error instanceof RaftError && error.code === "ERR_OPTION_INVALID") throw error;
  if (error instanceof Violation) return { invariant: error.invariant, message: error.message };
  if (error instanceof Error) return { invariant: "crash", message: error.stack ?? error.message };
  return { invariant: "crash", message: String(error) };
}
