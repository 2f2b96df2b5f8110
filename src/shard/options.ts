import type { OptionValues } from "../base/index.ts";
import type { RaftOptions } from "../raft/index.ts";

/** What a shard lets its users choose, besides the algorithm's own options. */
export const shardOptionTable = {
  tickMs: {
    kind: "integer",
    default: 100,
    min: 1,
    max: 60_000,
    unit: "ms",
    why: "length of a tick, the unit of electionTicks and heartbeatTicks; short ticks cost CPU for each group",
  },
  blockBytesMax: {
    kind: "integer",
    default: 262_144,
    min: 1,
    max: 4_194_304,
    unit: "bytes",
    why: "proposals of one group laid into one block, a command more at the most; bounds how long one group holds up the others",
  },
  commandBytesMax: {
    kind: "integer",
    default: 1_048_576,
    min: 1,
    max: 8_388_608,
    unit: "bytes",
    why: "one command or query; a larger one is refused with ERR_ENTRY_TOO_LARGE",
  },
  openBytesMax: {
    kind: "integer",
    default: 16_777_216,
    min: 1,
    max: 1_073_741_824,
    unit: "bytes",
    why: "proposals of one group that wait for a block; beyond it they are refused with ERR_BUSY",
  },
  applyBytesMax: {
    kind: "integer",
    default: 4_194_304,
    min: 1,
    max: 1_073_741_824,
    unit: "bytes",
    why: "entries applied in one round before messages are looked at again; a slice also ends after about 10 ms, looked at every 32 entries or, of a slow state machine, with each; one entry is never interrupted",
  },
  shardBytesMax: {
    kind: "integer",
    default: 268_435_456,
    min: 16_384,
    max: 68_719_476_736,
    unit: "bytes",
    why: "memory that one shard holds for calls, entries, answers and connections, whatever the number of groups: a quarter for this node's calls, an eighth for calls forwarded to it, a quarter for entries, an eighth for answers, a quarter for connections; beyond it calls are refused with ERR_BUSY, and entries of other nodes are not read",
  },
  roundBytesMax: {
    kind: "integer",
    default: 8_388_608,
    min: 1_024,
    max: 268_435_456,
    unit: "bytes",
    why: "entries of all groups written in one round, a block more at the most, while other groups wait for the next one; about what the disk takes in between two heartbeats, since a longer write delays those",
  },
  laneBytesMax: {
    kind: "integer",
    default: 16_777_216,
    min: 16_777_216,
    max: 1_073_741_824,
    unit: "bytes",
    why: "bytes queued on one connection beyond which no entries are sent there until it has drained; bounds the memory that a slow node costs. All connections of a shard share a quarter of shardBytesMax, which may be less",
  },
  requestsMax: {
    kind: "integer",
    default: 65_536,
    min: 1,
    max: 1_048_576,
    unit: "requests",
    why: "calls that one shard has forwarded to other nodes, or they to it, and that wait for their answers; beyond it they are refused. An eighth as many requests to create replicas are in flight to one other shard, and more wait for their turn",
  },
  applyError: {
    kind: "choice",
    default: "result",
    choices: ["result", "disable"],
    why: "an exception of the state machine is the command's result, or disables the replica; must be the same on every node",
  },
} as const;

export type ShardOptions = OptionValues<typeof shardOptionTable> & RaftOptions;
