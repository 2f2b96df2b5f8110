/**
 * Logical time of a shard: every replica that is awake is ticked, parked ones are not, and other
 * shards are told that this one lives. A replica whose leader's shard has fallen silent, or one of
 * whose followers' has, wakes up and finds out by itself.
 */
import type { NodeId, ShardId } from "../base/index.ts";
import type { Link, PeerShard } from "../transport/index.ts";
import type { ShardContext } from "./context.ts";
import { Liveness } from "./liveness.ts";
import type { Replica } from "./replica.ts";

export class Ticks {
  private readonly context: ShardContext;
  private readonly liveness: Liveness;
  private readonly links: Set<Link> = new Set();
  private awake: Replica[] = [];
  private sinceAlive = 0;

  constructor(context: ShardContext) {
    this.context = context;
    this.liveness = new Liveness(context.options.electionTicks);
  }

  get awakeCount(): number {
    return this.awake.length;
  }

  tick(): void {
    const { context } = this;
    context.counters.ticks += 1;
    this.sayAlive();
    for (const silent of this.liveness.tick()) this.wakeAll(silent);
    const { awake } = this;
    let kept = 0;
    for (const replica of awake) {
      const { raft } = replica;
      if (replica.running && !raft.parked) {
        if (!replica.linked) this.dial(replica);
        raft.tick();
        if (raft.hasReady || raft.hasCommitNotices) context.markDirty(replica);
        awake[kept] = replica;
        kept += 1;
      } else replica.ticking = false;
    }
    awake.length = kept;
  }

  /**
   * After anything that may have parked a replica or woken it. One that nobody vouches for stays
   * awake.
   */
  follow(replica: Replica): void {
    if (replica.raft.parked && !this.isCovered(replica)) replica.raft.wake();
    if (replica.ticking || replica.raft.parked || !replica.running) return;
    replica.ticking = true;
    this.awake.push(replica);
  }

  linkUp(link: Link): void {
    this.links.add(link);
  }

  linkDown(link: Link): void {
    this.links.delete(link);
  }

  hear(from: PeerShard): void {
    this.liveness.hear(from);
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
    for (const link of this.links) outboxes.sendAlive(link);
  }

  private isCovered({ group, raft, incarnations }: Replica): boolean {
    const { nodes } = this.context;
    if (!raft.isLeader) return this.isAlive(nodes.idOf(raft.leader), group);
    for (const key of incarnations.keys) {
      if (key !== nodes.self && !this.isAlive(nodes.idOf(key), group)) return false;
    }
    return true;
  }

  private isAlive(node: NodeId, group: number): boolean {
    const link = this.context.environment.transport.link(node, group);
    return link !== undefined && this.liveness.isAlive(node, link.shard);
  }

  private wakeAll({ node, shard }: { readonly node: NodeId; readonly shard: ShardId }): void {
    const { context } = this;
    const key = context.nodes.keyOf(node);
    for (const replica of context.replicas.values()) {
      const { raft, group } = replica;
      if (!raft.parked || !replica.incarnations.has(key)) continue;
      if (context.environment.transport.link(node, group)?.shard !== shard) continue;
      if (raft.leader === key) raft.suspectLeader(key);
      this.follow(replica);
    }
  }
}
