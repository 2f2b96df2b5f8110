/**
 * What the checks share about a group, from its creation to its end: its replicas, who led which
 * term, and what is committed. A group that is created again under the same id is another life,
 * with terms and indexes of its own: lives are told apart by the incarnations of their members.
 */
import type { GroupId, Incarnation, Index, NodeId, Term } from "../../../base/index.ts";
import { majorityOf } from "../../../raft/index.ts";
import type { SentMessage, Stage } from "../check.ts";
import type { ShadowReplica } from "../shadow.ts";
import { CommittedLog } from "./committed-log.ts";
import { LeaderTerm } from "./leader-term.ts";

export class GroupLife {
  readonly group: GroupId;
  readonly members: readonly NodeId[];
  readonly majority: number;
  readonly committed: CommittedLog = new CommittedLog();
  /** Fed by election-safety.ts. */
  readonly leaders: Map<Term, LeaderTerm> = new Map();
  /** The leader of the highest term that has one. */
  newest: LeaderTerm | undefined;
  /** Of each member the newest; one whose disk was lost stays, as it was then. */
  private readonly replicas: Map<NodeId, ShadowReplica> = new Map();
  /** Those that others have taken the place of. */
  private readonly former: ShadowReplica[] = [];

  constructor({ group, members }: ShadowReplica) {
    this.group = group;
    this.members = members;
    this.majority = majorityOf(members.length);
  }

  add(replica: ShadowReplica): void {
    const known = this.replicas.get(replica.node);
    if (known !== undefined && known.durable.lastIndex > 0) this.former.push(known);
    this.replicas.set(replica.node, replica);
  }

  /** Members but `except` whose disks hold a committed entry, or held it when they were lost. */
  holdersOf(index: Index, except?: NodeId): number {
    const { committed, former } = this;
    let count = 0;
    for (const [node, { durable }] of this.replicas) {
      if (node === except) continue;
      const holds =
        committed.isIn(durable, index) ||
        former.some((old) => old.node === node && committed.isIn(old.durable, index));
      if (holds) count += 1;
    }
    return count;
  }

  addLeader(term: Term, replica: ShadowReplica): LeaderTerm {
    const leader = new LeaderTerm(term, replica, this.committed);
    this.leaders.set(term, leader);
    if (this.newest === undefined || this.newest.term < term) this.newest = leader;
    return leader;
  }
}

/** Entries [from, to) were found to be committed. */
export interface CommitGrowth {
  readonly life: GroupLife;
  readonly from: Index;
  readonly to: Index;
  /** Of the replica that showed it. */
  readonly term: Term;
}

export class GroupLives {
  /** Called when a term is first seen to have a leader. */
  readonly leaderListeners: ((life: GroupLife, leader: LeaderTerm) => void)[] = [];
  /** Called when more is known to be committed, before anything else is. */
  readonly commitListeners: ((growth: CommitGrowth) => void)[] = [];
  private readonly stage: Stage;
  private readonly byBirth: Map<Incarnation, GroupLife> = new Map();
  private readonly lives: WeakMap<ShadowReplica, GroupLife> = new WeakMap();
  private lastSent: SentMessage | undefined;
  private lastSender: ShadowReplica | undefined;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  of(replica: ShadowReplica): GroupLife {
    return this.lives.get(replica) ?? this.join(replica);
  }

  /** The replica that sent a message, where its disk knows it. Several checks ask in turn. */
  senderOf(sent: SentMessage): ShadowReplica | undefined {
    if (sent !== this.lastSent) {
      this.lastSent = sent;
      this.lastSender = this.stage.shadow(sent.from, sent.group);
    }
    return this.lastSender;
  }

  private join(replica: ShadowReplica): GroupLife {
    const life = this.byBirth.get(replica.birth) ?? new GroupLife(replica);
    this.byBirth.set(replica.birth, life);
    life.add(replica);
    this.lives.set(replica, life);
    return life;
  }
}

const livesOfStages: WeakMap<Stage, GroupLives> = new WeakMap();

/** One account for all checks of a stage. */
export function livesOf(stage: Stage): GroupLives {
  let lives = livesOfStages.get(stage);
  if (lives === undefined) {
    lives = new GroupLives(stage);
    livesOfStages.set(stage, lives);
  }
  return lives;
}
