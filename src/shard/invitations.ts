/**
 * Asks members that have no replica of their group, or one of another creation, to join. A member
 * whose node was never reached is asked by the creator alone, and only when it is on disk which of
 * the node's data directories was asked: what joins under another one might have forgotten a vote.
 */
import { limits } from "../base/index.ts";
import type { GroupId, NodeId, NodeKey } from "../base/index.ts";
import type { ShardResponse } from "../wire/index.ts";
import type { ShardContext } from "./context.ts";
import { encodeOffer, isBound, memberOf, offerOf } from "./creation-offer.ts";
import { removeReplica } from "./groups.ts";
import {
  bindMember,
  followRival,
  isCreator,
  isUnused,
  learnDirectories,
  refusalIn,
} from "./joining.ts";
import type { Replica } from "./replica.ts";
import { requestOp } from "./requests.ts";
import type { PeerRequests } from "./requests.ts";

export class Invitations {
  private readonly context: ShardContext;
  private readonly requests: PeerRequests;
  /**
   * Members to be asked again though nothing more is heard of them: their group may have parked
   * without them meanwhile.
   */
  private readonly again: Map<Replica, Set<NodeKey>> = new Map();

  constructor(context: ShardContext, requests: PeerRequests) {
    this.context = context;
    this.requests = requests;
  }

  invite(replica: Replica, peer: NodeKey): void {
    const { context } = this;
    const nowMs = context.environment.clock.monotonicMs();
    const node = context.nodes.idOf(peer);
    const member = memberOf(replica.descriptor.members, node);
    if (!replica.running || member === undefined) return;
    replica.invited ??= new Map();
    if (nowMs < (replica.invited.get(peer) ?? 0)) {
      this.remember(replica, peer);
      return;
    }
    replica.invited.set(peer, nowMs + limits.invitePauseMs);
    const send = (): void => this.send(replica, node, peer);
    const creator = replica.descriptor.members[0]?.node ?? node;
    // It is asked as soon as the write ends that has begun.
    if (replica.binding?.has(node) === true) this.remember(replica, peer);
    else if (isBound(replica, member)) send();
    else if (!isCreator(context, replica)) this.send(replica, creator, peer);
    else if (!bindMember(context, replica, node, send)) replica.invited.delete(peer);
  }

  /**
   * Another member misses some, and asks their group's creator. A link that has come up while there
   * was no replica here that could ask, or none that ran, comes up only once.
   */
  inviteUnbound(group: GroupId): void {
    const replica = this.context.replicas.get(group);
    if (replica === undefined || !isCreator(this.context, replica)) return;
    const { nodes, environment } = this.context;
    for (const { node, directory } of replica.descriptor.members) {
      if (directory !== undefined) continue;
      if (environment.transport.link(node, group)?.up !== true) continue;
      this.invite(replica, nodes.keyOf(node));
    }
  }

  tick(): void {
    if (this.again.size === 0) return;
    const nowMs = this.context.environment.clock.monotonicMs();
    for (const [replica, peers] of this.again) {
      const current = this.context.replicas.get(replica.group) === replica && replica.running;
      // A copy: who cannot be asked now is put back.
      const asked = [...peers];
      for (const peer of asked) {
        const isDue = nowMs >= (replica.invited?.get(peer) ?? 0);
        if (current && !isDue) continue;
        peers.delete(peer);
        if (this.lacks(replica, peer)) this.invite(replica, peer);
      }
      if (peers.size === 0) this.again.delete(replica);
    }
  }

  private remember(replica: Replica, peer: NodeKey): void {
    const peers = this.again.get(replica);
    if (peers === undefined) this.again.set(replica, new Set([peer]));
    else peers.add(peer);
  }

  private send(replica: Replica, node: NodeId, peer: NodeKey): void {
    if (!replica.running) return;
    // Not again before it has ended, however long it waits for its turn.
    replica.invited?.set(peer, Number.POSITIVE_INFINITY);
    const end = (): void => {
      const nowMs = this.context.environment.clock.monotonicMs();
      replica.invited?.set(peer, nowMs + limits.invitePauseMs);
    };
    this.requests.sendInLine({
      node,
      group: replica.group,
      op: requestOp.createReplica,
      payload: () => {
        if (this.lacks(replica, peer)) return encodeOffer(offerOf(replica));
        end();
        return undefined;
      },
      timeoutMs: limits.invitePauseMs,
      patient: true,
      onResponse: (response) => {
        end();
        this.take(replica, node, peer, response);
      },
      // When its link is up again, it is missed again; but the creator, which alone knows whom it
      // has asked for the first time, need not lead.
      onFailure: () => {
        end();
        if (isCreator(this.context, replica)) this.remember(replica, peer);
      },
    });
  }

  private lacks(replica: Replica, peer: NodeKey): boolean {
    if (this.context.replicas.get(replica.group) !== replica || !replica.running) return false;
    return replica.missing.includes(peer) || isCreator(this.context, replica);
  }

  private take(replica: Replica, node: NodeId, peer: NodeKey, response: ShardResponse): void {
    const { context } = this;
    if (context.replicas.get(replica.group) !== replica) return;
    if (!response.failed) {
      learnDirectories(context, replica, response);
      // It was the creator that answered, in place of the member.
      if (context.nodes.idOf(peer) !== node) this.remember(replica, peer);
      return;
    }
    const { rival, withdrawn, later } = refusalIn(response);
    if (rival === undefined && !withdrawn && later !== true) return;
    if (rival !== undefined && followRival(context, replica, rival)) return;
    const byCreator = replica.descriptor.members[0]?.node === node;
    if (withdrawn && byCreator && isUnused(replica)) {
      removeReplica(context, replica, { done: ignore, failed: ignore });
    } else this.remember(replica, peer);
  }
}

function ignore(): void {
  // A failed store ends the whole shard.
}
