/** The load that a node puts on the groups that it leads. */
import type { Engine } from "../../../src/index.ts";
import type { ClusterSettings } from "../cluster/cluster-settings.ts";

export type ReadConsistency = "linearizable" | "local";

/** What the clients of a load do. */
export interface Work {
  /** Size of a command's value, in bytes; at least 8. */
  readonly valueBytes: number;
  /** Share of reads among all calls, 0 to 1. */
  readonly readRatio: number;
  readonly consistency: ReadConsistency;
  /** A call for each command, instead of one for all that a group has ready. */
  readonly single: boolean;
  /** The most commands in one call. */
  readonly batchMax: number;
  /** Write also to groups that another node leads, by passing the call on. */
  readonly forward?: boolean;
}

export type LoadSettings = Work &
  (
    | {
        /** Closed loop: each client calls again when it has its answer. */
        readonly kind: "closed";
        /** Commands and reads in flight on this node at any time. */
        readonly outstanding: number;
      }
    | {
        /** Open loop: calls leave when their time has come, whatever became of those before. */
        readonly kind: "open";
        /** Calls a second on this node. */
        readonly rate: number;
      }
  );

/** Latencies as HdrHistograms in ns, in their compressed text form. */
export interface LoadTaken {
  /** Commands and reads that were answered well. */
  readonly done: number;
  /** The reads among them. */
  readonly reads: number;
  /** Those that failed, by the error's code. */
  readonly failed: Readonly<Record<string, number>>;
  /** Of those that failed: how many may have been applied all the same. */
  readonly unknown: number;
  /** From the call, or in an open loop from the time at which it was due, to its answer. */
  readonly writeLatencies: string;
  readonly readLatencies: string;
  /** In an open loop: from the time at which a call was due to when it was made. */
  readonly sendDelays: string;
}

export interface Load {
  start(): void;
  /** Resolves when no call is in flight any more. */
  stop(): Promise<void>;
  /** What was counted since the last time, or since the start. */
  take(): LoadTaken;
  /** Answered since the start. */
  readonly done: number;
}

/** What a load works on. */
export interface Target {
  readonly engine: Engine;
  readonly machine: ClusterSettings["machine"];
  /** As a rule those that this node leads. */
  readonly groups: readonly number[];
}
