/**
 * flotilla: an embeddable multi-group Raft engine. This is all that an embedder and the module of a
 * state machine need; `flotilla/kv` is a ready state machine; `flotilla/raft`, `flotilla/log` and
 * `flotilla/testing` are for those who build on the parts.
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
  Health,
  HealthHeld,
  HealthReason,
  KnownLeader,
  LeaderChanged,
  LocalReadResult,
  LogLevel,
  Logger,
  MemberStatus,
  Proposed,
  PeerLink,
  PeerRefused,
  PlainOf,
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
  TypedProposed,
  TypedStateMachine,
} from "./engine/index.ts";
export { CommandRejected, RaftError, errorTable } from "./base/index.ts";
export type { ErrorCode, ErrorDetails, ErrorSpec, Outcome } from "./base/index.ts";
