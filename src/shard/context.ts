/**
 * What the parts of a shard share: its environment, its replicas, and the list of those that need a
 * round.
 */
import type { GroupId, Incarnation, NodeId, RaftError } from "../base/index.ts";
import type { Descriptor } from "../log/index.ts";
import type { TailTotal } from "../raft/index.ts";
import { byteShares } from "./byte-budget.ts";
import type { ByteShares } from "./byte-budget.ts";
import { DataPause } from "./data-pause.ts";
import type { ShardEnvironment } from "./environment.ts";
import { Failures } from "./failures.ts";
import { Handovers } from "./handover.ts";
import type { InHand } from "./in-hand.ts";
import { Nodes } from "./nodes.ts";
import type { ShardOptions } from "./options.ts";
import { Outboxes } from "./outboxes.ts";
import type { Replica } from "./replica.ts";
import { Replies } from "./replies.ts";
import { Ticks } from "./ticks.ts";

/** How a write ends. */
export interface Settle {
  /** It is durable. */
  readonly done: () => void;
  /** The store failed before it was durable. */
  readonly failed: (error: RaftError) => void;
}

/** A change of descriptors that the next commit writes. */
export interface DescriptorWrite extends Settle {
  readonly put: Descriptor | undefined;
  readonly remove: GroupId | undefined;
}

export interface ShardCounters {
  rounds: number;
  ticks: number;
  proposals: number;
  entriesApplied: number;
  blocksSealed: number;
  readsAnswered: number;
  messagesIn: number;
  messagesOut: number;
  /** Messages for groups that have no replica here. */
  unknownGroup: number;
  /**
   * Messages from a replica that is not the member it claims to be: deleted, recreated, or without
   * its disk.
   */
  foreignReplica: number;
}

export class ShardContext {
  readonly environment: ShardEnvironment;
  readonly options: ShardOptions;
  readonly nodes: Nodes;
  readonly outboxes: Outboxes;
  readonly replies: Replies;
  readonly replicas: Map<GroupId, Replica> = new Map();
  /** Taken for each visit of a group, released at the end of what visits groups. */
  readonly inHand: InHand;
  /** Replicas that were taken back, by incarnation: see joining.ts. */
  readonly withdrawn: Set<Incarnation> = new Set();
  readonly failures: Failures = new Failures();
  readonly ticks: Ticks;
  readonly handovers: Handovers;
  /** An integer in [lo, hi). */
  readonly random: (lo: number, hi: number) => number;
  readonly counters: ShardCounters = {
    rounds: 0,
    ticks: 0,
    proposals: 0,
    entriesApplied: 0,
    blocksSealed: 0,
    readsAnswered: 0,
    messagesIn: 0,
    messagesOut: 0,
    unknownGroup: 0,
    foreignReplica: 0,
  };
  /** How the bytes that this shard may hold are shared out. */
  readonly shares: ByteShares;
  /** Entries in memory, of all replicas. */
  readonly tails: TailTotal = { bytes: 0 };
  /** Replicas whose proposals wait until entries have left memory. */
  heldBack: Replica[] = [];
  /** Replicas that wait for room for their answers: see `Replies.mayAnswer`. */
  private readonly unanswered: Set<Replica> = new Set();
  readonly dataPause: DataPause;
  /** The address book as last told, for hints. */
  addresses: Readonly<Record<NodeId, string>> = {};
  /**
   * Many groups share a round: then entries that follow soon carry a commit index, and it is told
   * by itself only with a tick. Where few do, it is told at once.
   */
  busy = false;
  dirty: Replica[] = [];
  applying: Replica[] = [];
  descriptorWrites: DescriptorWrite[] = [];
  /** Why the log takes no more entries, as of the last round. */
  storeFull: RaftError | undefined;
  /** Closing or failed: no round starts any more. */
  ended = false;
  private scheduled = false;
  private readonly round: () => void;

  constructor(environment: ShardEnvironment, options: ShardOptions, round: () => void) {
    this.environment = environment;
    this.options = options;
    this.round = round;
    this.shares = byteShares(options.shardBytesMax);
    this.inHand = environment.inHand;
    this.nodes = new Nodes(environment.node);
    this.outboxes = new Outboxes(environment.transport, {
      lane: options.laneBytesMax,
      lanes: this.shares.lanes,
      held: this.shares.waiting,
    });
    this.dataPause = new DataPause(environment.transport);
    this.replies = new Replies(this.outboxes, this.shares, {
      postMail: environment.post,
      roomAgain: () => this.answerAgain(),
    });
    this.ticks = new Ticks(this);
    this.handovers = new Handovers(this);
    this.random = (lo, hi) => environment.prng.between(lo, hi);
  }

  /** Makes the next round look at a replica. */
  markDirty(replica: Replica): void {
    if (!replica.dirty) {
      replica.dirty = true;
      this.dirty.push(replica);
    }
    this.schedule();
  }

  /** Whether entries in memory have used up their share: no more are taken in. */
  get entriesFull(): boolean {
    return this.tails.bytes >= this.shares.entries;
  }

  /** It has entries or reads whose answers there is no room for. */
  waitToAnswer(replica: Replica): void {
    this.unanswered.add(replica);
  }

  private answerAgain(): void {
    if (!this.replies.engineIsBehind) this.dataPause.end("answers");
    if (this.unanswered.size === 0) return;
    for (const replica of this.unanswered) this.markApplying(replica);
    this.unanswered.clear();
    this.schedule();
  }

  markApplying(replica: Replica): void {
    if (replica.applying) return;
    replica.applying = true;
    this.applying.push(replica);
  }

  /** Brings about a round after the events that wait now; what they bring joins it. */
  schedule(): void {
    if (this.scheduled || this.ended) return;
    this.scheduled = true;
    this.environment.scheduler.soon(() => {
      this.scheduled = false;
      if (!this.ended) this.round();
    });
  }

  writeDescriptor(write: DescriptorWrite): void {
    this.descriptorWrites.push(write);
    this.schedule();
  }

  /** Hands the mail written so far to the engine. */
  postMail(): void {
    this.replies.post();
  }
}
