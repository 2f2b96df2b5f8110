/**
 * Logical time of a shard: every replica that is awake is ticked, parked ones are not, and other
 * shards are told that this one lives. Parked replicas rest on what other shards say of themselves:
 *
 *   follower   its leader's shard lives, hears this one, and has not ended that leadership
 *   leader     the shards of all members that parked live, and those that it parked without do not
 *
 * As soon as that is not so the replica wakes up, and finds out by itself.
 */
import { limits, nobody } from "../base/index.ts";
import type { GroupId, NodeKey, Term } from "../base/index.ts";
import type { AbsenceCheck } from "../raft/index.ts";
import type { Link, PeerShard } from "../transport/index.ts";
import type { ShardAlive } from "../wire/index.ts";
import type { ShardContext } from "./context.ts";
import { Endings } from "./endings.ts";
import { Liveness } from "./liveness.ts";
import type { News, ShardName } from "./liveness.ts";
import type { Replica } from "./replica.ts";

/** Signs of life are lost unnoticed for less than an election timeout of the receiver. */
const keptElections = 4;

export class Ticks {
  private readonly context: ShardContext;
  private readonly liveness: Liveness;
  private readonly endings: Endings;
  /** Tells the shards that rest on this one that it is another than before. */
  private readonly life: number;
  private readonly links: Set<Link> = new Set();
  private awake: Replica[] = [];
  /** To be looked at because a member has returned, some with each tick. */
  private returning: Replica[] = [];
  private sinceAlive = 0;
  /** Leaders suspected since the last tick. */
  private suspected = 0;
  /** The replica whose members the check is asked about: one check for all of them. */
  private ticked: Replica | undefined;
  private readonly isAbsent: AbsenceCheck = (member) =>
    this.ticked !== undefined && this.lacks(this.ticked, member);

  constructor(context: ShardContext) {
    const { electionTicks } = context.options;
    this.context = context;
    this.liveness = new Liveness(electionTicks);
    this.endings = new Endings(keptElections * electionTicks);
    this.life = context.environment.prng.incarnation();
  }

  get awakeCount(): number {
    return this.awake.length;
  }

  tick(): void {
    const { context } = this;
    context.counters.ticks += 1;
    this.endings.tick();
    this.suspected = 0;
    this.sayAlive();
    for (const silent of this.liveness.tick()) this.fellSilent(silent);
    this.lookAtReturning();
    const { awake } = this;
    let kept = 0;
    for (const replica of awake) {
      const { raft } = replica;
      if (replica.running && !raft.parked) {
        if (!replica.linked) this.dial(replica);
        this.ticked = replica;
        context.inHand.take(replica.group);
        raft.tick(this.isAbsent);
        if (raft.hasReady || raft.hasCommitNotices) context.markDirty(replica);
        awake[kept] = replica;
        kept += 1;
      } else replica.ticking = false;
    }
    awake.length = kept;
  }

  /**
   * After anything that may have parked a replica, woken it, or ended its leadership. One that
   * nobody vouches for stays awake.
   */
  follow(replica: Replica): void {
    this.noteLeadership(replica);
    const { raft } = replica;
    if (raft.parked && !this.isCovered(replica)) {
      raft.unpark();
      this.context.markDirty(replica);
    }
    if (!raft.parked) replica.endVouching();
    if (replica.ticking || raft.parked || !replica.running) return;
    replica.ticking = true;
    this.awake.push(replica);
  }

  /**
   * Whoever follows a leadership must hear that it has ended, in whatever way: it may rest on this
   * shard's signs of life, which go on.
   */
  noteLeadership(replica: Replica): void {
    const { raft, running, ledTerm } = replica;
    const term = running && raft.isLeader ? raft.term : 0;
    if (term === ledTerm) return;
    replica.ledTerm = term;
    if (ledTerm === 0) return;
    this.endings.add(replica.group, ledTerm);
    replica.leaderHeardMs = this.context.environment.clock.monotonicMs();
    // Not only with the next heartbeat.
    this.sinceAlive = this.context.options.heartbeatTicks;
  }

  linkUp(link: Link): void {
    this.links.add(link);
  }

  linkDown(link: Link): void {
    this.links.delete(link);
  }

  hear(from: PeerShard, sign: ShardAlive, nowMs: number): void {
    const news = this.liveness.hear(from, sign, nowMs);
    if (news !== undefined) this.takeNews(from, news);
    this.liveness.vouch(from, nowMs);
  }

  private takeNews(from: ShardName, news: News): void {
    const key = this.context.nodes.keyOf(from.node);
    if (news.kind === "returned") this.returned(from);
    else if (news.kind === "restarted") {
      this.eachOn(from, (replica) => {
        this.leadershipEnded(replica, key, replica.raft.term);
        replica.noteAbsence(key, undefined);
        if (replica.raft.isLeader) this.wake(replica);
      });
    } else {
      for (const { group, term } of news.endings) {
        const replica = this.context.replicas.get(group);
        if (replica?.running === true) this.leadershipEnded(replica, key, term);
      }
      this.eachOn(from, (replica) => {
        if (news.missed && replica.raft.leader === key) this.wake(replica);
        this.follow(replica);
      });
    }
  }

  /** The address book has changed: what covered a parked replica may not do so any more. */
  followAll(): void {
    for (const replica of this.context.replicas.values()) {
      if (replica.raft.parked) this.follow(replica);
    }
  }

  private leadershipEnded(replica: Replica, leader: NodeKey, term: Term): void {
    replica.raft.leadershipEnded(leader, term);
    this.follow(replica);
  }

  private wake(replica: Replica): void {
    replica.raft.unpark();
    if (replica.raft.hasReady) this.context.markDirty(replica);
    this.follow(replica);
  }

  /**
   * Asks for the links to every member before there is anything to say: an election must not lose
   * its first messages to followers that had nothing to tell each other so far.
   */
  private dial(replica: Replica): void {
    const { environment, nodes } = this.context;
    let linked = true;
    for (const key of replica.incarnations.keys) {
      if (key === nodes.self) continue;
      linked = environment.transport.link(nodes.idOf(key), replica.group) !== undefined && linked;
    }
    replica.linked = linked;
  }

  private sayAlive(): void {
    const { options, outboxes } = this.context;
    this.sinceAlive += 1;
    if (this.sinceAlive < options.heartbeatTicks) return;
    this.sinceAlive = 0;
    const { life, liveness } = this;
    const { count: ended, named: endings } = this.endings;
    for (const link of this.links) {
      const hears = liveness.isAlive(link.node, link.shard);
      outboxes.sendAlive(link, { kind: "shardAlive", life, hears, ended, endings });
    }
  }

  /** Tells every shard that this one talks to that it is about to close. */
  sayClosing(): void {
    for (const link of this.links) this.context.outboxes.sendClosing(link);
  }

  private isCovered(replica: Replica): boolean {
    const { raft, group } = replica;
    if (!raft.isLeader) {
      const link = this.linkTo(raft.leader, group);
      const voucher = link && this.liveness.voucher(link.node, link.shard);
      if (voucher !== undefined) replica.voucher = voucher;
      return voucher !== undefined;
    }
    return raft.state.followers.every(
      ({ member, parked }) => parked !== this.lacks(replica, member),
    );
  }

  /** Whether a member's shard is silent, or says that the member does not run. */
  private lacks({ group, missing, resting }: Replica, member: NodeKey): boolean {
    if (missing.includes(member) || resting.includes(member)) return true;
    const link = this.linkTo(member, group);
    return link === undefined || !this.liveness.isAlive(link.node, link.shard);
  }

  private linkTo(member: NodeKey, group: GroupId): Link | undefined {
    const { nodes, environment } = this.context;
    if (member === nobody) return undefined;
    return environment.transport.link(nodes.idOf(member), group);
  }

  /** The delay, in ticks, of an election that begins now: so many begin in one tick at most. */
  paceOfElections(): number {
    this.suspected += 1;
    return Math.floor(this.suspected / limits.electionsPerTick);
  }

  private fellSilent(silent: ShardName): void {
    const key = this.context.nodes.keyOf(silent.node);
    this.eachOn(silent, (replica) => {
      const { raft } = replica;
      // A group that is awake has heard its leader since, or as long ago as its shard.
      if (!raft.parked && raft.hearsLeader) return;
      if (raft.leader === key) raft.suspectLeader(key, this.paceOfElections());
      this.follow(replica);
    });
  }

  /** Leaders that have parked without a member of that shard must bring it up to date. */
  private returned(from: ShardName): void {
    const key = this.context.nodes.keyOf(from.node);
    this.eachOn(from, (replica) => {
      // What it said of its replicas before it was gone may not be so any more.
      replica.noteAbsence(key, undefined);
      if (replica.raft.parked && replica.raft.isLeader) this.returning.push(replica);
    });
  }

  /**
   * All within about an election timeout, so that those who return need not campaign, but not all
   * at once: each wakes to a round of heartbeats.
   */
  private lookAtReturning(): void {
    const { returning, context } = this;
    if (returning.length === 0) return;
    const count = Math.max(limits.wakesPerTick, returning.length / context.options.electionTicks);
    for (const replica of returning.splice(0, Math.ceil(count))) this.follow(replica);
  }

  private eachOn({ node, shard }: ShardName, visit: (replica: Replica) => void): void {
    const { context } = this;
    const key = context.nodes.keyOf(node);
    for (const replica of context.replicas.values()) {
      if (!replica.running || !replica.incarnations.has(key)) continue;
      if (this.linkTo(key, replica.group)?.shard !== shard) continue;
      context.inHand.take(replica.group);
      visit(replica);
    }
  }
}
