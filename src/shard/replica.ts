/**
 * One group here: its algorithm, its state machine and the calls that wait on it. Everything that
 * happens to a replica is done by the files around it; this one is what they share.
 */
import { none } from "../base/index.ts";
import type {
  GroupId,
  Incarnation,
  Index,
  NodeId,
  NodeKey,
  SmallMap,
  Term,
} from "../base/index.ts";
import type { Descriptor } from "../log/index.ts";
import type { Raft } from "../raft/index.ts";
import type { Failure } from "./failures.ts";
import type { Voucher } from "./liveness.ts";
import { OpenProposals } from "./proposals.ts";
import type { SealedBlock } from "./proposals.ts";
import { Reads } from "./reads.ts";
import type { Role, StateMachine } from "./state-machine.ts";

/**
 * running: takes part. stopped: by the operator; its log is kept. failed: cannot run now, and is
 * tried again, or held until it is started. disabled: for good (see `reason`). Only the first votes
 * and acknowledges.
 */
export type ReplicaState = Descriptor["state"] | "failed";

export class Replica {
  readonly group: GroupId;
  readonly incarnation: Incarnation;
  /**
   * Incarnation of each member, this one included: messages under another one are not from that
   * member.
   */
  readonly incarnations: SmallMap<NodeKey, Incarnation>;
  descriptor: Descriptor;
  /** Why it does not run, though its descriptor says that it should. */
  failure: Failure | undefined;
  /** Of a stopped or failed replica: what the store is being given so that it runs again. */
  starting: Descriptor | undefined;
  readonly raft: Raft;
  machine: StateMachine | undefined;

  readonly open: OpenProposals = new OpenProposals();
  /** Blocks proposed here whose results are awaited, oldest first. */
  readonly sealed: SealedBlock[] = [];
  /** Position in the oldest sealed block: its call, and entries of that call already answered. */
  sealedCall = 0;
  sealedEntry = 0;
  readonly reads: Reads = new Reads();

  /** In the list of replicas that the next round looks at. */
  dirty = false;
  /** Is to hand over its leadership when what waits in `open` is in the log. */
  handingOver = false;
  /** The transport knows of every member that there is something to be said to it. */
  linked = false;
  /** In the list of replicas that ticks come to. */
  ticking = false;
  /** In the list of replicas that have committed entries to apply or reads to run. */
  applying = false;
  /** Role, leader and term as the engine was last told. */
  toldRole: Role = "follower";
  toldLeader: NodeKey = 0;
  toldTerm = 0;
  /** The term that it led, as its shard's signs of life know it; 0 while it does not lead. */
  ledTerm: Term = 0;
  /** What was known to be committed when it was recovered: until that is applied, it replays. */
  readonly replayTo: Index;
  /**
   * When a leader was last heard, in ms of the monotonic clock; see `leaderAgeMs`. What is on disk
   * may be of any age.
   */
  leaderHeardMs: number = Number.NEGATIVE_INFINITY;
  /** Of a parked follower: its leader's shard, which speaks for the leader. */
  voucher: Voucher | undefined;
  /**
   * Members whose data directory is being written to this replica's descriptor, with what waits for
   * that: until it is durable nobody is told of it.
   */
  binding: Map<NodeId, (() => void)[]> | undefined;
  /** When each peer that was asked to join may be asked again; most groups ask nobody. */
  invited: Map<NodeKey, number> | undefined;
  /** Peers that answered that they have no replica of this group, or have lost it. */
  missing: readonly NodeKey[] = none;
  /** Peers that answered that their replica is stopped, failed or disabled. */
  resting: readonly NodeKey[] = none;

  constructor(
    descriptor: Descriptor,
    incarnations: SmallMap<NodeKey, Incarnation>,
    self: NodeKey,
    parts: { raft: Raft; machine: StateMachine | undefined },
  ) {
    this.group = descriptor.group;
    this.descriptor = descriptor;
    this.incarnations = incarnations;
    this.incarnation = incarnations.get(self) ?? 0;
    this.raft = parts.raft;
    this.machine = parts.machine;
    this.replayTo = parts.raft.state.log.committed;
  }

  /** For how long no leader has been heard; of a parked one, its shard. */
  leaderAgeMs(nowMs: number): number {
    if (this.raft.isLeader) return 0;
    const vouchedMs = this.voucher?.heardMs ?? Number.NEGATIVE_INFINITY;
    return nowMs - Math.max(this.leaderHeardMs, vouchedMs);
  }

  /** Another shard spoke for the leader until now. */
  endVouching(): void {
    if (this.voucher === undefined) return;
    this.leaderHeardMs = Math.max(this.leaderHeardMs, this.voucher.heardMs);
    this.voucher = undefined;
  }

  /** What a peer says of its replica of this group; undefined: that it runs, or nothing. */
  noteAbsence(peer: NodeKey, absence: "missing" | "resting" | undefined): void {
    if (absence === undefined && this.missing.length + this.resting.length === 0) return;
    const others = (key: NodeKey): boolean => key !== peer;
    this.missing = this.missing.filter(others);
    this.resting = this.resting.filter(others);
    if (absence !== undefined) this[absence] = [...this[absence], peer];
  }

  get running(): boolean {
    return this.failure === undefined && this.descriptor.state === "running";
  }

  get state(): ReplicaState {
    const { state } = this.descriptor;
    return state === "running" && this.failure !== undefined ? "failed" : state;
  }
}
