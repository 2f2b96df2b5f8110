/** What the bench and its node processes say to each other. */
import type { LoadSettings, LoadTaken } from "../load/load.ts";
import type { ClusterSettings } from "./cluster-settings.ts";

export type ToNode =
  | {
      readonly kind: "open";
      readonly node: string;
      readonly dir: string;
      readonly settings: ClusterSettings;
    }
  | { readonly kind: "peers"; readonly addresses: Readonly<Record<string, string>> }
  | {
      readonly kind: "createGroups";
      readonly groups: readonly number[];
      readonly members: readonly string[];
    }
  /** `groups` are by default those that the node leads. */
  | {
      readonly kind: "startLoad";
      readonly load: LoadSettings;
      readonly groups: readonly number[] | undefined;
    }
  | { readonly kind: "take" }
  | { readonly kind: "stopLoad" }
  /** Answered with the ids of the groups that the node leads. */
  | { readonly kind: "led" }
  /** Answered when every group has a leader as seen by the node, with the time of `sharedMs`. */
  | { readonly kind: "awaitLeaders" }
  /** Writes so many entries to each group that the node leads. */
  | { readonly kind: "fill"; readonly entries: number; readonly valueBytes: number }
  /** Answered with the index that is applied, of each group from 0 on. */
  | { readonly kind: "applied" }
  /** Answered when these indexes are applied, by group from 0 on, with the time of `sharedMs`. */
  | { readonly kind: "reach"; readonly targets: readonly number[] }
  /** Writes once to each of these groups, whoever leads it; answered as soon as it has begun. */
  | { readonly kind: "startFirstWrites"; readonly groups: readonly number[] }
  /** Answered with the times of `sharedMs` at which those writes were acknowledged. */
  | { readonly kind: "firstWrites" }
  /** Answered with `HeapBytes`. */
  | { readonly kind: "heap" }
  /** Answered with `NodeCounters`. */
  | { readonly kind: "counters" }
  | { readonly kind: "close" };

/** When a node was opened, on the clock of `sharedMs`. */
export interface Opened {
  readonly address: string;
  /** When Engine.open was called, and when it resolved. */
  readonly calledMs: number;
  readonly openMs: number;
}

/** Sent a few times a second while a load runs: calls answered so far. */
export interface Report {
  readonly done: number;
}

/** What a node has done and used since its process started. */
export interface NodeCounters {
  /** CPU time of the process with all its threads, in µs. */
  readonly cpuMicros: number;
  readonly commits: number;
  readonly flushes: number;
  readonly bytesWritten: number;
  readonly bytesStored: number;
  readonly framesSent: number;
  readonly bytesSent: number;
  readonly messagesSent: number;
  readonly rounds: number;
  readonly leaders: number;
}

export interface NodeWindow {
  /** What its load has seen since the last time it was asked, or its start. */
  readonly load: LoadTaken | undefined;
  /** When it was taken, in ms on the node's own clock. */
  readonly atMs: number;
  readonly counters: NodeCounters;
  /** The most memory that the process had resident since it was last asked, in bytes. */
  readonly rssPeakBytes: number;
}
