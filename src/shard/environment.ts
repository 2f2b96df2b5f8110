/**
 * Everything a shard needs from outside. The worker passes real clocks, disks and sockets, tests
 * and the simulator their own: below this line nothing reads a clock, draws chance or waits by
 * itself.
 */
import type { Incarnation, NodeId, Prng, ShardId } from "../base/index.ts";
import type { LogStore } from "../log/index.ts";
import type { Transport } from "../transport/index.ts";
import type { InHand } from "./in-hand.ts";
import type { CreateStateMachine } from "./state-machine.ts";

export interface Clock {
  /** Milliseconds since 1970; stamped on entries. May jump. */
  wallMs(): number;
  /** Milliseconds since some moment; never goes back. */
  monotonicMs(): number;
}

export interface Scheduler {
  /** Runs a task after the events that are waiting now. */
  soon(task: () => void): void;
  /** Runs a task about every `ms`; returns how to stop it. */
  every(ms: number, task: () => void): () => void;
}

export interface ShardEnvironment {
  readonly node: NodeId;
  /** Of the node's data directory. */
  readonly incarnation: Incarnation;
  readonly shard: ShardId;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly store: LogStore;
  readonly transport: Transport;
  readonly createStateMachine: CreateStateMachine;
  readonly inHand: InHand;
  /** Sends a buffer of mail to the engine. */
  readonly post: (mail: ArrayBuffer) => void;
}
