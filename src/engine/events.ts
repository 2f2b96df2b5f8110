/**
 * What an engine tells its embedder without being asked. Names are past tense; each has one
 * payload.
 */
import type { GroupId, NodeId, RaftError, ShardId, Term } from "../base/index.ts";
import type { Role } from "../shard/index.ts";

export interface LeaderChanged {
  readonly group: GroupId;
  /** This node's replica's role now. */
  readonly role: Role;
  /** The leader as this node knows it; undefined while there is none. */
  readonly leader: NodeId | undefined;
  readonly term: Term;
}

/** Type parameters of the engine's EventEmitter. */
export interface EngineEvents {
  leaderChanged: [LeaderChanged];
  groupStarted: [{ readonly group: GroupId; readonly members: readonly NodeId[] }];
  groupStopped: [{ readonly group: GroupId }];
  /**
   * A replica cannot run now, since its state machine cannot be created or its log cannot be read.
   * It is tried again after `retryInMs`; undefined: when `startGroup` is called.
   */
  groupFailed: [
    {
      readonly group: GroupId;
      readonly reason: string;
      readonly retryInMs: number | undefined;
    },
  ];
  /**
   * A replica was taken out of its group for good: its state cannot be trusted, or the option
   * `applyError` says so.
   */
  groupDisabled: [{ readonly group: GroupId; readonly reason: string }];
  groupRemoved: [{ readonly group: GroupId }];
  /** A state machine's `onRole` threw, or the option `recover` after a crash. */
  hookFailed: [{ readonly group: GroupId; readonly message: string }];
  /** A shard's worker ended unexpectedly; it comes back by itself. */
  shardCrashed: [{ readonly shard: ShardId; readonly error: Error; readonly restartInMs: number }];
  /** A shard is back after a crash. */
  shardRestarted: [{ readonly shard: ShardId }];
  /** A shard stays down: its store is dead or cannot be opened. */
  shardFailed: [{ readonly shard: ShardId; readonly error: RaftError }];
}
