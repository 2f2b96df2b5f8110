/** What a run of the demo is told, and what both its sides derive from that. */
export interface DemoOptions {
  /** Raft groups, each with a replica on all three nodes. */
  readonly groups: number;
  /** Length of the load, in seconds. */
  readonly seconds: number;
  /** Worker threads of each node. */
  readonly shards: number;
  /** Size of a value, in bytes; the first 4 are a sequence number. */
  readonly valueBytes: number;
  /** Proposals in flight on each node. */
  readonly outstanding: number;
  /** Every write is a call of its own, instead of one call for all clients of a group. */
  readonly single: boolean;
  readonly durability: "strict" | "pipelined" | "none";
  /** A file for the history of some of the clients; none is kept without one. */
  readonly history?: string | undefined;
}

export const demoNodes = ["n1", "n2", "n3"] as const;
export const demoCluster = "demo";

/** Clients of one group on one node; each writes its own key and waits for each answer. */
export function clientsPerGroup({ groups, outstanding }: DemoOptions): number {
  return Math.max(1, Math.round((outstanding * demoNodes.length) / groups));
}

/** The key of a client. Nobody else writes it: `life` counts the starts of its node's process. */
export function clientKey(node: string, life: number, client: number): string {
  return `${node}.${life}.${client}`;
}

/** Position of a client in the tables of one process's life. */
export function slotOf(options: DemoOptions, group: number, client: number): number {
  return group * clientsPerGroup(options) + client;
}

/** One process's life and what its clients have been promised. */
export interface LifeRecord {
  readonly node: string;
  readonly life: number;
  /** Acknowledged writes, by slot. */
  readonly acknowledged: Uint32Array;
  /** The newest version that was acknowledged, by slot. */
  readonly versions: Uint32Array;
  /** Writes whose outcome nobody knows, by slot. */
  readonly unknown: Uint32Array;
}
