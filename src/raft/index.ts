/**
 * raft: the algorithm of one group as a value: `step`, `tick`, `propose` and `takeReady` are
 * synchronous and touch nothing outside. May use base only. It never reads a clock, draws
 * randomness of its own, waits, or knows of bytes on wire or disk.
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
  newBlock,
  sliceBlock,
  writeEntryHeader,
} from "./block.ts";
export type { Configuration } from "./configuration.ts";
export {
  describeBlock,
  describeBlocks,
  describeMessage,
  describeRaft,
  describeReady,
} from "./describe.ts";
export type { HardState } from "./hard-state.ts";
export { checkInvariants } from "./invariants.ts";
export type { LogReader, TailTotal } from "./log/raft-log.ts";
export type { TermRun } from "./log/term-runs.ts";
export type {
  AppendRequest,
  AppendResponse,
  CommitNotice,
  HeartbeatRequest,
  HeartbeatResponse,
  Message,
  MessageKind,
  ParkRequest,
  ParkResponse,
  PreVoteRequest,
  PreVoteResponse,
  TimeoutNow,
  VoteRequest,
  VoteResponse,
} from "./message.ts";
export { raftOptionTable } from "./options.ts";
export type { RaftOptions } from "./options.ts";
export { jointIndex, jointVote } from "./quorum/joint.ts";
export { majorityIndex, majorityOf, majorityVote } from "./quorum/majority.ts";
export type { VoteResult } from "./quorum/majority.ts";
export { Raft } from "./raft.ts";
export type { ProposedBlock } from "./raft.ts";
export type {
  BallotChange,
  ConfirmedRead,
  PersistMark,
  RaftRole,
  Ready,
  RoleChange,
} from "./ready.ts";
export type { AbsenceCheck } from "./parking.ts";
export type { AppendGate } from "./replication.ts";
export type { RaftEnvironment, RaftOrigin } from "./state.ts";
export type { ProgressState } from "./tracker/progress.ts";
