/** What a replica and a shard say of themselves, as plain data. */
import type { GroupId, Index, NodeId, ShardId, Term } from "../base/index.ts";
import type { Durability, StoreStats } from "../log/index.ts";
import type { ProgressState } from "../raft/index.ts";
import type { TransportStats } from "../transport/index.ts";
import type { ShardContext, ShardCounters } from "./context.ts";
import { idOrNobody, retryInMs } from "./groups.ts";
import type { Replica, ReplicaState } from "./replica.ts";
import type { Role } from "./state-machine.ts";

export interface MemberStatus {
  readonly node: NodeId;
  readonly incarnation: number;
  /** Undefined unless this replica leads, as are `next`, `replication` and `recentlyActive`. */
  readonly match: Index | undefined;
  readonly next: Index | undefined;
  readonly replication: ProgressState | undefined;
  /** Heard since the leader last checked its quorum. */
  readonly recentlyActive: boolean | undefined;
  /** The member's node has said that it has no such replica: known where this replica leads. */
  readonly missing: boolean;
  /** Why there is no link to the member's node, as far as it is known. */
  readonly unreachable: string | undefined;
}

export interface GroupStatus {
  readonly group: GroupId;
  readonly node: NodeId;
  readonly shard: ShardId;
  readonly incarnation: number;
  readonly state: ReplicaState;
  /** Why the replica is disabled or failed; empty otherwise. */
  readonly reason: string;
  /**
   * When a failed replica is tried again; undefined if it has not failed, or is held and waits for
   * `enableGroup` or `startGroup`.
   */
  readonly retryInMs: number | undefined;
  readonly role: Role;
  readonly term: Term;
  readonly vote: NodeId | undefined;
  readonly leader: NodeId | undefined;
  /**
   * ms since a leader was last heard, or while parked its shard; 0 on the leader, Infinity if none
   * was heard since the replica started.
   */
  readonly leaderHeardMs: number;
  readonly lastIndex: Index;
  readonly lastTerm: Term;
  /** Durable on this replica's disk. */
  readonly stableIndex: Index;
  readonly commitIndex: Index;
  readonly appliedIndex: Index;
  readonly durability: Durability;
  readonly members: readonly MemberStatus[];
  /** Whether the group is idle and sends nothing: see `parkTicks`. */
  readonly parked: boolean;
  /** Calls whose proposals wait for a block. */
  readonly openCalls: number;
  /** Blocks whose results are awaited. */
  readonly sealedBlocks: number;
  /** Bytes of entries held in memory. */
  readonly tailBytes: number;
  readonly election: { readonly elapsedTicks: number; readonly deadlineTicks: number };
}

export interface ShardStats extends ShardCounters {
  readonly shard: ShardId;
  readonly groups: number;
  readonly leaders: number;
  /** Replicas that are ticked: not parked, stopped, failed or disabled. */
  readonly awake: number;
  /** Replicas that have not applied again what was committed when the shard opened. */
  readonly replaying: number;
  readonly durability: Durability;
  readonly store: StoreStats;
  readonly transport: TransportStats;
  /** Messages that had no connection to leave on. */
  readonly messagesUnsent: number;
}

export function roleOf(replica: Replica): Role {
  if (!replica.running) return "follower";
  const { role } = replica.raft.state;
  return role === "preCandidate" ? "candidate" : role;
}

export function groupStatus(context: ShardContext, replica: Replica): GroupStatus {
  const { environment } = context;
  const { state } = replica.raft;
  const { log } = state;
  const { descriptor } = replica;
  const nowMs = environment.clock.monotonicMs();
  return {
    group: replica.group,
    node: environment.node,
    shard: environment.shard,
    incarnation: replica.incarnation,
    state: replica.state,
    reason: replica.failure?.reason ?? descriptor.reason,
    retryInMs: replica.failure && retryInMs(context, replica.failure),
    role: roleOf(replica),
    term: state.term,
    vote: idOrNobody(context, state.vote),
    leader: idOrNobody(context, state.leader),
    leaderHeardMs: replica.leaderAgeMs(nowMs),
    lastIndex: log.lastIndex,
    lastTerm: log.lastTerm,
    stableIndex: log.stable,
    commitIndex: log.committed,
    appliedIndex: log.applied,
    durability: environment.store.durability,
    members: memberStatuses(context, replica),
    parked: replica.raft.parked,
    openCalls: replica.open.calls,
    sealedBlocks: replica.sealed.length,
    tailBytes: log.tailBytes,
    election: { elapsedTicks: state.electionElapsed, deadlineTicks: state.electionDeadline },
  };
}

function memberStatuses(context: ShardContext, replica: Replica): MemberStatus[] {
  return replica.descriptor.members.map(({ node, incarnation }) => {
    const key = context.nodes.keyOf(node);
    const progress = replica.raft.state.progress.get(key);
    return {
      node,
      incarnation,
      match: progress?.match,
      next: progress?.next,
      replication: progress?.state,
      recentlyActive: progress?.recentlyActive,
      missing: replica.missing.includes(key),
      unreachable: context.environment.transport.faultOf(node)?.text,
    };
  });
}

export function shardStats(context: ShardContext): ShardStats {
  const { environment, replicas, counters, outboxes } = context;
  let leaders = 0;
  let replaying = 0;
  for (const { running, raft, replayTo } of replicas.values()) {
    if (running && raft.isLeader) leaders += 1;
    if (running && raft.state.log.applied < replayTo) replaying += 1;
  }
  return {
    ...counters,
    shard: environment.shard,
    groups: replicas.size,
    leaders,
    replaying,
    awake: context.ticks.awakeCount,
    durability: environment.store.durability,
    store: environment.store.stats(),
    transport: environment.transport.stats(),
    messagesUnsent: outboxes.unsent,
  };
}
