/**
 * flotilla: an embeddable multi-group Raft engine. This is all that an embedder needs;
 * `flotilla/kv` is a ready state machine, `flotilla/machine` what a state machine's module imports,
 * `flotilla/raft`, `flotilla/log` and `flotilla/testing` are for those who build on the parts.
 */
export {
  Engine,
  defineStateMachine,
  engineOptionTable,
  typedGroup,
} from "./engine/index.ts";
export type {
  BatchResult,
  CallOptions,
  CommandMeta,
  CreateGroupOptions,
  CreateStateMachine,
  EngineEvents,
  EngineOptions,
  EngineTuning,
  Entry,
  GroupCalls,
  GroupCreated,
  GroupStatus,
  GroupView,
  KnownLeader,
  LeaderChanged,
  LocalReadResult,
  MemberStatus,
  Proposed,
  ReadBatchResult,
  ReadResult,
  Role,
  ShardStats,
  StateDigest,
  StateMachine,
  StateMachineContext,
  StateMachineDefinition,
  TlsOptions,
  TypedGroup,
  TypedStateMachine,
} from "./engine/index.ts";
export { RaftError, errorTable } from "./base/index.ts";
export type { ErrorCode, ErrorDetails, ErrorSpec, Outcome } from "./base/index.ts";
