/** One run of a script from its first event to the verdict. */
import { setImmediate as turn } from "node:timers/promises";
import type { CreateStateMachine } from "../../shard/index.ts";
import { eventKind } from "./agenda.ts";
import { AllChecks, createChecks } from "./checks/index.ts";
import type { Recorded } from "./history.ts";
import { checkHistory } from "./history-check.ts";
import { RecoveryPhase } from "./recovery-phase.ts";
import { RegisterMachine } from "./register-machine.ts";
import { Line, scriptInvalid } from "./script.ts";
import type { Script } from "./script.ts";
import { parseSettings } from "./settings.ts";
import type { Tally } from "./tally.ts";
import { perform } from "./verbs/index.ts";
import { Violation } from "./violation.ts";
import { World } from "./world.ts";

export interface RunOptions {
  readonly createStateMachine?: CreateStateMachine | undefined;
}

export interface Broken {
  /** The check's name; "crash" where the engine threw. */
  readonly invariant: string;
  readonly message: string;
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
}

export async function runScript(script: Script, options: RunOptions = {}): Promise<RunResult> {
  const settings = parseSettings(script.world);
  const world = new World({
    settings,
    createStateMachine: options.createStateMachine ?? (() => new RegisterMachine()),
    createChecks: (stage) => new AllChecks(createChecks(stage)),
    turn: () => turn(),
  });
  const rejections = new Rejections();
  let broken: Broken | undefined;
  try {
    await runActions(world, script.actions);
    await new RecoveryPhase(world).run();
    await turn();
    rejections.rethrow();
    world.checks.atEnd?.();
    checkHistory(world.history.operations, world.tally);
  } catch (error) {
    broken = asBroken(rejections.first ?? error);
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
  };
}

async function runActions(world: World, actions: readonly string[]): Promise<void> {
  let endUs = 0;
  for (const text of actions) {
    const line = new Line(text);
    const atUs = line.setting("at");
    if (atUs < endUs) throw scriptInvalid(`"${text}" comes after a later moment`);
    endUs = atUs;
    const command = text.slice(text.indexOf(" ") + 1);
    world.agenda.settleAt(atUs, eventKind.action, () => perform(world, command));
  }
  await world.agenda.run(endUs);
}

/** Nobody waits for a promise of the engine that is rejected: then it is a fault of the engine. */
class Rejections {
  first: Error | undefined;
  private readonly listener = (reason: unknown): void => {
    this.first ??= reason instanceof Error ? reason : new Error(String(reason));
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

function asBroken(error: unknown): Broken {
  if (error instanceof Violation) return { invariant: error.invariant, message: error.message };
  if (error instanceof Error) return { invariant: "crash", message: error.stack ?? error.message };
  return { invariant: "crash", message: String(error) };
}
