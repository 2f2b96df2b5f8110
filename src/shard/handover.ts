/**
 * Leaderships that this shard gives away: on request, before it stops a replica, and all of them
 * before it closes. Each goes to a member that is reachable and stays; one that none can take, or
 * whose transfer takes an election timeout, is given up without a successor.
 */
import { nobody } from "../base/index.ts";
import type { NodeKey, RaftError, ShardId } from "../base/index.ts";
import type { PeerShard } from "../transport/index.ts";
import type { Settle, ShardContext } from "./context.ts";
import type { Replica } from "./replica.ts";

/**
 * Transfers that a closing shard begins in one tick: each costs its successor and the voters a
 * round's commit, and thousands at once would hold up what else they do.
 */
const transfersPerTick = 1_000;
/** A shard closes after so many election timeouts, whatever it still leads. */
const closeTimeoutsMax = 2;

type ShardName = Pick<PeerShard, "node" | "shard">;

interface Closing {
  readonly queue: Replica[];
  ticksLeft: number;
  readonly done: () => void;
}

export class Handovers {
  private readonly context: ShardContext;
  /** Replicas that hand over, with what waits for their end. */
  private readonly waiting: Map<Replica, Settle[]> = new Map();
  /** Shards of other nodes that have said that they close: no successors. */
  private readonly leaving: Set<string> = new Set();
  private closing: Closing | undefined;

  constructor(context: ShardContext) {
    this.context = context;
  }

  /** Whether this shard is about to close: it takes no leadership any more. */
  get isClosing(): boolean {
    return this.closing !== undefined;
  }

  /** `settle.done` is called when the replica leads no more, or nobody can take its place. */
  begin(replica: Replica, settle: Settle): void {
    const { raft } = replica;
    const known = this.waiting.get(replica);
    if (known !== undefined) {
      known.push(settle);
      return;
    }
    const leads = replica.running && raft.isLeader;
    if (!leads || raft.findSuccessor((voter) => this.isWilling(replica, voter)) === nobody) {
      settle.done();
      return;
    }
    this.waiting.set(replica, [settle]);
    // Calls that were here before are laid into the log first, and so succeed.
    if (replica.open.calls > 0) replica.handingOver = true;
    else this.choose(replica);
    this.context.markDirty(replica);
  }

  /** The replica ends now, and cannot wait for a transfer: it only names its successor. */
  abdicate(replica: Replica): void {
    const { outboxes, nodes } = this.context;
    const message = replica.raft.farewell((voter) => this.isWilling(replica, voter));
    if (message === undefined) return;
    const { group, incarnation } = replica;
    outboxes.sendMessage(nodes.idOf(message.to), group, incarnation, message);
    this.context.schedule();
  }

  /** What waited before the handover began is in the log, or does not fit in. */
  proceed(replica: Replica): void {
    replica.handingOver = false;
    if (this.waiting.has(replica) && replica.raft.isLeader) this.choose(replica);
  }

  /** Whether the replica hands over now. What is to follow is given to `begin`, too. */
  isHandingOver(replica: Replica): boolean {
    return this.waiting.has(replica);
  }

  /** The replica may have lost its leadership: to its successor, or to another. */
  follow(replica: Replica): void {
    if (!replica.raft.isLeader || !replica.running) this.end(replica);
  }

  /** Comes from the timer and not from a round: while the disk stalls there are no rounds. */
  tick(): void {
    for (const replica of this.waiting.keys()) {
      const givenUp = replica.raft.successor === nobody && !replica.handingOver;
      if (givenUp || !replica.running) this.end(replica);
    }
    const { closing } = this;
    if (closing === undefined) return;
    closing.ticksLeft -= 1;
    this.hurry(closing);
  }

  /** Gives away everything that this shard leads; resolves when that is done or took too long. */
  close(): Promise<void> {
    const { context } = this;
    return new Promise((resolve) => {
      const queue = [...context.replicas.values()].filter(({ raft }) => raft.isLeader);
      const ticksLeft = closeTimeoutsMax * context.options.electionTicks;
      this.closing = { queue, ticksLeft, done: resolve };
      context.ticks.sayClosing();
      this.hurry(this.closing);
    });
  }

  /** Another shard closes: what was to go to it goes to another member, if there is one. */
  hearClosing(shard: ShardName): void {
    this.leaving.add(nameOf(shard));
    this.avoid(shard);
  }

  linkUp(shard: ShardName): void {
    this.leaving.delete(nameOf(shard));
  }

  linkDown(shard: ShardName): void {
    this.leaving.delete(nameOf(shard));
    this.avoid(shard);
  }

  /** The shard ends now. */
  failAll(error: RaftError): void {
    const waiting = [...this.waiting.values()].flat();
    this.waiting.clear();
    for (const { failed } of waiting) failed(error);
    this.closing?.done();
  }

  private hurry(closing: Closing): void {
    const settle = { done: ignore, failed: ignore };
    for (let begun = 0; begun < transfersPerTick; ) {
      const replica = closing.queue.pop();
      if (replica === undefined) break;
      this.begin(replica, settle);
      if (this.waiting.has(replica)) begun += 1;
    }
    this.finish(closing);
  }

  private finish({ queue, ticksLeft, done }: Closing): void {
    if (ticksLeft <= 0 || (queue.length === 0 && this.waiting.size === 0)) done();
  }

  private choose(replica: Replica): void {
    const { context } = this;
    const successor = replica.raft.handOver((voter) => this.isWilling(replica, voter));
    if (successor === nobody) {
      this.end(replica);
      return;
    }
    context.ticks.follow(replica);
  }

  private isWilling({ group }: Replica, voter: NodeKey): boolean {
    const { nodes, environment } = this.context;
    const link = environment.transport.link(nodes.idOf(voter), group);
    return link?.up === true && !this.leaving.has(nameOf(link));
  }

  /** Transfers to a shard that is gone, or soon will be, get another successor. */
  private avoid({ node, shard }: ShardName): void {
    const { nodes, environment } = this.context;
    const key = nodes.find(node);
    for (const replica of this.waiting.keys()) {
      if (replica.raft.successor !== key) continue;
      if (environment.transport.link(node, replica.group)?.shard === shard) this.choose(replica);
    }
  }

  private end(replica: Replica): void {
    const settles = this.waiting.get(replica);
    if (settles === undefined) return;
    this.waiting.delete(replica);
    replica.handingOver = false;
    // Proposals that were held back go on if the replica stays leader.
    this.context.markDirty(replica);
    for (const { done } of settles) done();
    if (this.closing !== undefined) this.finish(this.closing);
  }
}

function nameOf({ node, shard }: { readonly node: string; readonly shard: ShardId }): string {
  return `${node} ${shard}`;
}

function ignore(): void {
  // A closing shard goes on with the next leadership.
}
