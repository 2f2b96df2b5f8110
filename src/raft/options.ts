import type { OptionValues } from "../base/index.ts";

/**
 * What the algorithm lets its users choose. Times are in ticks: the shard decides how long a tick
 * is.
 */
export const raftOptionTable = {
  electionTicks: {
    kind: "integer",
    default: 10,
    min: 2,
    max: 10_000,
    unit: "ticks",
    why: "silence of a leader before a follower campaigns, drawn anew from one to two times this; too small elects on every pause, too large leaves a group without a leader for long",
  },
  heartbeatTicks: {
    kind: "integer",
    default: 2,
    min: 1,
    max: 1_000,
    unit: "ticks",
    why: "interval of heartbeats to a follower that accepts no entries meanwhile; must be below electionTicks",
  },
  parkTicks: {
    kind: "integer",
    default: 2,
    min: 0,
    max: 1_000_000,
    unit: "ticks",
    why: "time without work after which a group parks and sends nothing until it is called again; 0 keeps every group awake",
  },
  inflightMessagesMax: {
    kind: "integer",
    default: 64,
    min: 1,
    max: 65_536,
    unit: "messages",
    why: "AppendEntries of one group in flight to one follower; 1 waits for each answer",
  },
  inflightBytesMax: {
    kind: "integer",
    default: 4_194_304,
    min: 1,
    max: 1_073_741_824,
    unit: "bytes",
    why: "the same window in bytes of entries; bounds what a slow follower holds in memory and sockets",
  },
  appendBytesMax: {
    kind: "integer",
    default: 262_144,
    min: 1,
    max: 4_194_304,
    unit: "bytes",
    why: "entries in one AppendEntries, a block more at the most; small ones let other groups pass in between",
  },
  uncommittedBytesMax: {
    kind: "integer",
    default: 16_777_216,
    min: 1,
    max: 1_073_741_824,
    unit: "bytes",
    why: "entries that a leader takes in before it knows that they are committed; beyond it proposals wait",
  },
  tailBytesMax: {
    kind: "integer",
    default: 1_048_576,
    min: 0,
    max: 1_073_741_824,
    unit: "bytes",
    why: "newest entries of a group kept in memory for followers and apply; older ones are read back from disk",
  },
} as const;

export type RaftOptions = OptionValues<typeof raftOptionTable>;
