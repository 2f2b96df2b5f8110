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
  | { readonly kind: "startLoad"; readonly load: LoadSettings }
  | { readonly kind: "take" }
  | { readonly kind: "stopLoad" }
  /** Answered with the ids of the groups that the node leads. */
  | { readonly kind: "led" }
  /** Answered with `NodeCounters`. */
  | { readonly kind: "counters" }
  | { readonly kind: "close" };

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
  readonly rounds: number;
  readonly leaders: number;
}

export interface NodeWindow {
  /** What its load has seen since the last time it was asked, or its start. */
  readonly load: LoadTaken | undefined;
  /** When it was taken, in ms on the node's own clock. */
  readonly atMs: number;
  readonly counters: NodeCounters;
}
