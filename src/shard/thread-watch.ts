/** Watches state machines on a real thread: see watched-machine.ts. */
import { clearTimeout, setTimeout } from "node:timers";
import type { GroupId } from "../base/index.ts";
import type { InHand } from "./in-hand.ts";
import type { CreateStateMachine } from "./state-machine.ts";
import { Pursuit, watchMachines } from "./watched-machine.ts";

/** Those of some groups, as a rule of none; or all, for so many ms, with what they leave behind. */
export type Watched =
  | { readonly kind: "groups"; readonly groups: readonly GroupId[] }
  | { readonly kind: "all"; readonly forMs: number };

export interface ThreadWatch {
  machines(create: CreateStateMachine): CreateStateMachine;
  /** The thread goes on, with another task perhaps. */
  end(): void;
}

export function startWatch(watched: Watched, inHand: InHand): ThreadWatch {
  if (watched.kind === "groups") {
    const { groups } = watched;
    const machines = (create: CreateStateMachine): CreateStateMachine =>
      groups.length === 0 ? create : watchMachines(create, inHand, groups);
    return { machines, end: () => {} };
  }
  const pursuit = new Pursuit(inHand);
  const onThreadEnd = (): void => pursuit.onThreadEnd();
  // The first tells of exceptions and rejections that nobody catches, the other of process.exit.
  process.on("uncaughtExceptionMonitor", onThreadEnd);
  process.on("exit", onThreadEnd);
  const end = (): void => {
    clearTimeout(timer);
    pursuit.end();
    process.off("uncaughtExceptionMonitor", onThreadEnd);
    process.off("exit", onThreadEnd);
  };
  const timer = setTimeout(end, watched.forMs).unref();
  return { machines: (create) => pursuit.watch(create), end };
}
