/**
 * raft: the algorithm of one group as a value: `step`, `tick`, `propose` and `takeReady` are synchronous and touch nothing
 * outside. May use base only. It never reads a clock, draws randomness of its own, waits, or knows of bytes on wire or disk.
 */
export type { Block, BlockKind, Checksum } from "./block.ts";
export {
  EntryCursor,
  blockKind,
  countEntries,
  decodeEntries,
  encodeEntries,
  entryHeaderBytes,
  lastIndexOf,
  sliceBlock,
  writeEntryHeader,
} from "./block.ts";
export type { Configuration } from "./configuration.ts";
export type { HardState } from "./hard-state.ts";
export type {
  AppendRequest,
  AppendResponse,
  CommitNotice,
  HeartbeatRequest,
  HeartbeatResponse,
  Message,
  MessageKind,
  PreVoteRequest,
  PreVoteResponse,
  VoteRequest,
  VoteResponse,
} from "./message.ts";
