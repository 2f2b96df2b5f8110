/** What the demo's parent and its nodes say to each other over the process channel. */
import type { DemoOptions, LifeRecord } from "./demo-options.ts";

export type ToNode =
  | {
      readonly kind: "open";
      readonly node: string;
      readonly life: number;
      readonly dir: string;
      readonly options: DemoOptions;
    }
  | { readonly kind: "peers"; readonly addresses: Readonly<Record<string, string>> }
  | { readonly kind: "createGroups"; readonly groups: readonly number[] }
  | { readonly kind: "startLoad" }
  | { readonly kind: "stopLoad" }
  | { readonly kind: "positions" }
  | { readonly kind: "led" }
  | { readonly kind: "check"; readonly lives: readonly LifeRecord[] }
  | { readonly kind: "stats" }
  | { readonly kind: "close" };

/**
 * Sent while the load runs. What has arrived here was acknowledged, whatever happens to the node
 * afterwards.
 */
export interface Report {
  /** Pairs: slot, version. A version of 0 means that the outcome is unknown. */
  readonly acks: Uint32Array;
  /** Pairs: group, wall clock in ms at which this node became its leader. */
  readonly led: Float64Array;
  /** Latencies of some of the proposals, in ms. */
  readonly latencies: Float32Array;
}

export interface NodeStats {
  /** CPU time of the process and all its threads so far, in µs. */
  readonly cpuMicros: number;
  readonly flushes: number;
  readonly bytesStored: number;
  readonly leaders: number;
}

/** Where one node's replicas stand: last, commit and applied index by group. */
export interface Positions {
  readonly last: Float64Array;
  readonly commit: Float64Array;
  readonly applied: Float64Array;
}

export interface CheckResult {
  /** Keys looked at. */
  readonly keys: number;
  /** What is wrong: the first few findings in words. */
  readonly samples: readonly string[];
  /** Hash of each group's state and the index it was taken at. */
  readonly digests: readonly string[];
  readonly applied: readonly number[];
}
