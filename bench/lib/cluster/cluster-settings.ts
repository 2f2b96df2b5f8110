/** What a cluster of the bench is made of. */
import type { EngineTuning } from "../../../src/index.ts";

export const durabilities = ["strict", "pipelined", "none"] as const;
export const machines = ["checksum", "kv"] as const;

export interface ClusterSettings {
  /** Node processes; each group has a replica on all of them. */
  readonly nodes: number;
  readonly groups: number;
  /** Worker threads of each node. */
  readonly shards: number;
  readonly durability: (typeof durabilities)[number];
  /** `heap` can be asked how much memory its worker holds; see `heap.ts`. */
  readonly machine: (typeof machines)[number] | "heap";
  /** More of the engine's options; its defaults where there are none. */
  readonly tuning?: Partial<EngineTuning> | undefined;
}

export function namesOf(nodes: number): string[] {
  return Array.from({ length: nodes }, (_, at) => `n${at + 1}`);
}
