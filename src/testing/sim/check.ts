/**
 * What a check of the simulator is: it watches everything that the simulated world shows and throws
 * a Violation when its invariant is broken. A check sees only facts from outside the shards: what
 * disks hold, what is on the wire, what machines applied, what clients were told. The one door into
 * a replica is `onTurn`.
 */
import type { GroupId, Incarnation, Index, NodeId, ShardId, Term } from "../../base/index.ts";
import type { CommitBatch, RecoveredGroup } from "../../log/index.ts";
import type { Message, Raft } from "../../raft/index.ts";
import type { Role, Shard, ShardOptions } from "../../shard/index.ts";
import type { ShadowChange, ShadowReplica } from "./shadow.ts";

/** A message of the algorithm at the moment at which it was handed to the network. */
export interface SentMessage {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly group: GroupId;
  /** The sending replica's. */
  readonly incarnation: Incarnation;
  readonly message: Message;
}

/** An entry that a state machine was given, or skipped as no command of its own. */
export interface AppliedEntry {
  readonly node: NodeId;
  readonly group: GroupId;
  readonly index: Index;
  readonly term: Term;
  /** Of the command's bytes, as in the shadow logs. */
  readonly hash: number;
  /** Of what the machine returned, or of its exception's message. */
  readonly resultHash: number;
}

/** What a replica's machine says of its whole state, at the end of a run. */
export interface SeenDigest {
  readonly node: NodeId;
  readonly group: GroupId;
  /** The last entry that the state is made of. */
  readonly appliedIndex: Index;
  readonly digest: string;
}

export interface RoleChange {
  readonly node: NodeId;
  readonly group: GroupId;
  readonly role: Role;
  readonly leader: NodeId;
  readonly term: Term;
}

/** A shard that has just handled one event. */
export interface Turn {
  readonly node: NodeId;
  readonly shardId: ShardId;
  readonly shard: Shard;
}

/** A replica's own view of itself. */
export interface LiveReplica {
  readonly raft: Raft;
}

/** What every check may look at. */
export interface Stage {
  readonly nodes: readonly NodeId[];
  /** The replica of a group that a node's disk holds, running or not. */
  shadow(node: NodeId, group: GroupId): ShadowReplica | undefined;
  /** Every replica of a group on any disk. */
  shadowsOf(group: GroupId): readonly ShadowReplica[];
  groups(): Iterable<GroupId>;
  /** The replica as its shard runs it; undefined where none does. */
  live(node: NodeId, group: GroupId): LiveReplica | undefined;
  /**
   * For how long, in µs, the disk of a shard has ended no commit though one is in flight; 0 if
   * there is none.
   */
  stalledUs(node: NodeId, shardId: ShardId): number;
  /** The shard of a node that holds a group. */
  shardOf(node: NodeId, group: GroupId): ShardId;
  /** Every node's. */
  readonly options: ShardOptions;
}

export interface Check {
  /** As the file is called. */
  readonly name: string;
  onSend?(sent: SentMessage): void;
  /** A commit was given to the store; `written` has it, `durable` has not. */
  onWritten?(replica: ShadowReplica, change: ShadowChange): void;
  /** One round's changes of all groups were given to the store of a shard. */
  onCommit?(node: NodeId, shardId: ShardId, batch: CommitBatch): void;
  /** A change has become durable. */
  onDurable?(replica: ShadowReplica, change: ShadowChange): void;
  /** A group was removed from a disk: what it held counts no more. */
  onRemoved?(node: NodeId, group: GroupId, replaced: boolean): void;
  /** A replica gave its place to one of another creation of its group, in one commit. */
  onReplaced?(former: ShadowReplica, replica: ShadowReplica): void;
  /** What a store found when it was opened; the shadows say what it should have found. */
  onRecovered?(node: NodeId, shardId: ShardId, groups: readonly RecoveredGroup[]): void;
  /** A shard's process ended, by crash or by order. */
  onStopped?(node: NodeId, shardId: ShardId): void;
  /** A node's disk, and with it its identity, is gone. */
  onDiskLost?(node: NodeId): void;
  /** A client is about to propose a command; once for each time that it is proposed. */
  onProposed?(group: GroupId, hash: number): void;
  /** A new state machine was made for a replica: it is given the log from the first entry. */
  onMachine?(node: NodeId, group: GroupId): void;
  onApplied?(applied: AppliedEntry): void;
  onRole?(change: RoleChange): void;
  /** Asked of every replica that runs in the end, once all have caught up. */
  onDigest?(seen: SeenDigest): void;
  /** After each event of a shard. */
  onTurn?(turn: Turn): void;
  /** When the run is over and everything that could settle has settled. */
  atEnd?(): void;
}
