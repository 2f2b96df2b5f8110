/**
 * State machines of groups that are suspected of having ended their shard's thread: each call says
 * what it is, so that a second end names the command. Where nothing was in hand when the thread
 * ended, as with an exception thrown from a timer, all machines are watched, and followed into what
 * they leave behind them: timers, promises, callbacks.
 *
 * Following costs a part of a microsecond for each command and promise, so it ends by itself.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { GroupId } from "../base/index.ts";
import type { InHand, MachineCall, MachineWork } from "./in-hand.ts";
import { isMachine } from "./state-machine.ts";
import type { CreateStateMachine, StateMachine } from "./state-machine.ts";

/** How watched calls run. */
interface Watch {
  run<T>(work: MachineWork, call: () => T): T;
}

/** Watches the machines of some groups. */
export function watchMachines(
  create: CreateStateMachine,
  inHand: InHand,
  groups: readonly GroupId[],
): CreateStateMachine {
  const suspects = new Set(groups);
  const watch: Watch = { run: (work, call) => noted(inHand, work, call) };
  return (context) =>
    suspects.has(context.group) ? watchedMachine(create, watch, context) : create(context);
}

/** Watches all machines and what they leave behind, until it is told to end. */
export class Pursuit {
  private readonly inHand: InHand;
  private readonly origins: AsyncLocalStorage<MachineWork> = new AsyncLocalStorage();
  private ended = false;

  constructor(inHand: InHand) {
    this.inHand = inHand;
  }

  watch(create: CreateStateMachine): CreateStateMachine {
    const watch: Watch = {
      run: (work, call) => {
        if (this.ended) return noted(this.inHand, work, call);
        return this.origins.run(work, () => noted(this.inHand, work, call));
      },
    };
    return (context) => watchedMachine(create, watch, context);
  }

  /** The thread is about to end: by what a machine has left behind, perhaps. */
  onThreadEnd(): void {
    const origin = this.origins.getStore();
    if (origin !== undefined && !this.inHand.isTaken) this.inHand.blame(origin);
  }

  end(): void {
    this.ended = true;
    this.origins.disable();
  }
}

function noted<T>(inHand: InHand, work: MachineWork, call: () => T): T {
  inHand.begin(work);
  try {
    return call();
  } finally {
    // Not if the thread ends within the call.
    inHand.end();
  }
}

function watchedMachine(
  create: CreateStateMachine,
  watch: Watch,
  context: Parameters<CreateStateMachine>[0],
): StateMachine {
  const { group } = context;
  const run = <T>(call: MachineCall, body: () => T, index = 0): T =>
    watch.run({ group, call, index }, body);
  const machine = run("createStateMachine", () => create(context));
  // What it is instead, its caller says.
  if (!isMachine(machine)) return machine;
  return {
    apply: (entry) => run("apply", () => machine.apply(entry), entry.index),
    query: (query) => run("query", () => machine.query(query)),
    ...(machine.digest !== undefined && {
      digest: () => run("digest", () => machine.digest?.() ?? ""),
    }),
    onRole: (...change) => run("onRole", () => machine.onRole?.(...change)),
    close: () => run("close", () => machine.close?.()),
  };
}
