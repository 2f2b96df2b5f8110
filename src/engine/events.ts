/**
 * What an engine tells its embedder without being asked. Names are past tense; each has one
 * payload.
 */
import { RaftError } from "../base/index.ts";
import type { GroupId, Index, NodeId, ShardId, Term } from "../base/index.ts";
import type { Role } from "../shard/index.ts";
import type { PeerRefusal } from "../transport/index.ts";

export interface LeaderChanged {
  readonly group: GroupId;
  /** This node's replica's role now. */
  readonly role: Role;
  /** The leader as this node knows it; undefined while there is none. */
  readonly leader: NodeId | undefined;
  readonly term: Term;
}

/** A link between a shard here and one of another node. */
export interface PeerLink {
  readonly shard: ShardId;
  readonly node: NodeId;
  /** The shard of the other node. */
  readonly peerShard: ShardId;
}

export interface PeerRefused {
  /** The shard of this node whose connection it was. */
  readonly shard: ShardId;
  /** Who had dialled: this node, or the other one. */
  readonly direction: "outgoing" | "incoming";
  /** Who was dialled, or who the other end claims to be, unproven, if it came so far. */
  readonly node: NodeId | undefined;
  /** `host:port` of the other end. */
  readonly address: string;
  /** As in `stats().transport.connectionsRefused`. */
  readonly reason: string;
  /** How many refusals of this reason are told at once; more than one after a quiet period. */
  readonly count: number;
  /** ERR_HANDSHAKE_REFUSED, with all of it in words. */
  readonly error: RaftError;
}

export function peerRefusedOf(shard: ShardId, refusal: PeerRefusal): PeerRefused {
  const { message, ...rest } = refusal;
  const details = { reason: refusal.reason };
  return { shard, ...rest, error: new RaftError("ERR_HANDSHAKE_REFUSED", message, { details }) };
}

/** Type parameters of the engine's EventEmitter. */
export interface EngineEvents {
  /** The role, leader or term of a replica here has changed. */
  leaderChanged: [LeaderChanged];
  /** A replica runs: recovered, created, started again, or tried again after a failure. */
  groupStarted: [{ readonly group: GroupId; readonly members: readonly NodeId[] }];
  /** A replica was stopped, or gives its place to another creation of its group. */
  groupStopped: [{ readonly group: GroupId }];
  /**
   * A replica cannot run now, since its state machine cannot be created, its log cannot be read, or
   * it has ended its shard's worker again and again. It is tried again after `retryInMs`,
   * or at once by `startGroup`; undefined: only when `enableGroup` or `startGroup` is called.
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
  /** A replica was removed, since the creation of its group was taken back. */
  groupRemoved: [{ readonly group: GroupId }];
  /**
   * The last `entries` that a state machine applied, or reads that it answered, together took
   * longer than an election timeout: all groups of its shard were held up, and the shard may have
   * lost its leaderships. `applied` is the log index that the group's machine had reached before.
   */
  machineSlow: [
    {
      readonly group: GroupId;
      readonly applied: Index;
      readonly entries: number;
      readonly tookMs: number;
    },
  ];
  /** A state machine's `onRole` threw, or the option `recover` after a crash. */
  hookFailed: [{ readonly group: GroupId; readonly message: string }];
  /**
   * A connection between two nodes was refused, by this end or the other one: another cluster,
   * secret, certificate or version, or a second process of a node. Told at once, and then for each
   * reason at most once in ten seconds and shard.
   */
  peerRefused: [PeerRefused];
  /** A shard of this node has both connections of its link to a shard of another node. */
  peerConnected: [PeerLink];
  /** Such a link is down again; it is dialled again while the node is in the address book. */
  peerLost: [PeerLink];
  /**
   * A shard's worker ended unexpectedly; it comes back by itself. `group` is the one that it was at
   * work for, if it was for one: after the second crash in a row the shard comes back without it
   * (`groupFailed`, with `retryInMs` undefined).
   */
  shardCrashed: [
    {
      readonly shard: ShardId;
      readonly error: Error;
      readonly restartInMs: number;
      readonly group: GroupId | undefined;
    },
  ];
  /**
   * With `ports: "one"`: the thread that accepts all connections has ended, and those with it; it
   * comes back by itself.
   */
  relayCrashed: [{ readonly error: Error; readonly restartInMs: number }];
  /** A shard is back after a crash. */
  shardRestarted: [{ readonly shard: ShardId }];
  /**
   * A shard's log has reached a bound: it refuses proposals with this error and drops entries of
   * other nodes, but still elects leaders and serves reads.
   */
  storeFull: [{ readonly shard: ShardId; readonly error: RaftError }];
  /** A shard stays down: its store is dead or cannot be opened. */
  shardFailed: [{ readonly shard: ShardId; readonly error: RaftError }];
}

/** The arguments of a listener. */
export type PayloadOf<K extends keyof EngineEvents> = K extends keyof EngineEvents
  ? EngineEvents[K]
  : never;

export type LogLevel = "debug" | "info" | "warn" | "error";

/** A logger in pino's form, which most others have, too. */
export type Logger = Readonly<Record<LogLevel, (details: object, message: string) => void>>;

/** How much an event matters to who reads the log. */
export const levelOf: Readonly<Record<keyof EngineEvents, LogLevel>> = {
  leaderChanged: "debug",
  groupStarted: "info",
  groupStopped: "info",
  groupRemoved: "info",
  groupFailed: "warn",
  groupDisabled: "error",
  hookFailed: "warn",
  machineSlow: "warn",
  peerRefused: "warn",
  peerConnected: "info",
  peerLost: "warn",
  shardCrashed: "error",
  relayCrashed: "error",
  shardRestarted: "info",
  shardFailed: "error",
  storeFull: "error",
};
