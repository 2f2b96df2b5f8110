/**
 * engine: the public API on the main thread: promises, placement, worker pool. May use everything
 * below. It never touches a group's state but by mail to its shard.
 */
export type { KnownLeader } from "./leader-waits.ts";
export type { BatchResult, Proposed } from "./call-table.ts";
export { Engine } from "./engine.ts";
export type {
  CreateGroupOptions,
  LocalReadResult,
  ReadBatchResult,
  ReadResult,
  StateDigest,
} from "./results.ts";
export type {
  EngineEvents,
  LeaderChanged,
  LogLevel,
  Logger,
  PeerLink,
  PeerRefused,
} from "./events.ts";
export type { GroupView } from "./group-table.ts";
export type { Health, HealthHeld, HealthReason } from "./health.ts";
export { engineOptionTable } from "./options.ts";
export type { PlainOf } from "./plain-data.ts";
export type { EngineOptions, EngineTuning } from "./options.ts";
export type {
  CreateStateMachine,
  Entry,
  GroupCreated,
  GroupStatus,
  MemberStatus,
  Role,
  ShardStats,
  StateMachine,
  StateMachineContext,
} from "../shard/index.ts";
export type { TlsOptions } from "../transport/index.ts";
export type {
  CallOptions,
  CommandMeta,
  GroupCalls,
  StateMachineDefinition,
  TypedGroup,
  TypedProposed,
  TypedStateMachine,
} from "./typed.ts";
export { defineStateMachine, typedGroup } from "./typed.ts";
