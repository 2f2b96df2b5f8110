/**
 * Frames of other nodes' shards: checked for who sent them, then given to the replica or the
 * request they are for.
 */
import { RaftError, nobody } from "../base/index.ts";
import type { GroupId, Incarnation, NodeId, NodeKey } from "../base/index.ts";
import type { Message } from "../raft/index.ts";
import type { Link, PeerRefusal, PeerShard, TransportHandler } from "../transport/index.ts";
import { readMessages } from "../wire/index.ts";
import type { MessageSink, ShardMessage, ShardRequest } from "../wire/index.ts";
import type { ShardContext } from "./context.ts";
import type { EntryMemory } from "./entry-memory.ts";
import { takeForwarded } from "./forward.ts";
import { endFor } from "./groups.ts";
import type { Invitations } from "./invitations.ts";
import { isCreator, takeCreateReplica, takeRemoveReplica } from "./joining.ts";
import type { Replica } from "./replica.ts";
import { requestOp } from "./requests.ts";
import type { PeerRequests } from "./requests.ts";

export class Inbound implements TransportHandler, MessageSink {
  private readonly context: ShardContext;
  private readonly requests: PeerRequests;
  private readonly memory: EntryMemory;
  private readonly invitations: Invitations;
  /** The sender of the frame being read. */
  private from: PeerShard = { node: "", shard: 0, incarnation: 0 };
  private fromKey: NodeKey = 0;
  private nowMs = 0;
  /** The largest frame that has come. */
  frameBytesMax = 0;

  constructor(
    context: ShardContext,
    parts: { requests: PeerRequests; memory: EntryMemory; invitations: Invitations },
  ) {
    this.context = context;
    this.memory = parts.memory;
    this.requests = parts.requests;
    this.invitations = parts.invitations;
  }

  onFrame(from: PeerShard, body: Uint8Array): void {
    const { context } = this;
    if (context.ended) return;
    this.from = from;
    this.fromKey = context.nodes.find(from.node) ?? nobody;
    this.nowMs = context.environment.clock.monotonicMs();
    context.counters.messagesIn += this.read(body);
    this.frameBytesMax = Math.max(this.frameBytesMax, body.length);
    this.memory.afterFrame();
    context.inHand.release();
    context.schedule();
  }

  /** How many messages of groups there were. */
  private read(body: Uint8Array): number {
    const { context } = this;
    try {
      return readMessages(body, this.fromKey, context.nodes.self, this);
    } catch (error) {
      // The rest of the frame is of no group; the connection ends, and the shard does not.
      if (error instanceof RaftError) context.inHand.release();
      throw error;
    }
  }

  onMessage(group: GroupId, incarnation: Incarnation, message: Message): void {
    const { context, fromKey } = this;
    const replica = context.replicas.get(group);
    if (replica === undefined) {
      context.counters.unknownGroup += 1;
      this.sayUnknown(group, incarnation, message, false);
      return;
    }
    // A deleted or recreated replica, or one that lost its disk, must not be heard under a member's
    // name.
    if (replica.incarnations.get(fromKey) !== incarnation) {
      context.counters.foreignReplica += 1;
      this.sayUnknown(group, incarnation, message, false);
      return;
    }
    if (!replica.running) {
      this.sayUnknown(group, incarnation, message, true);
      return;
    }
    replica.noteAbsence(fromKey, undefined);
    // Lost, as on the wire: it is sent again until the log takes it.
    if (context.storeFull !== undefined && hasEntries(message)) return;
    // The sender may not know yet that this shard closes.
    if (message.kind === "timeoutNow" && context.handovers.isClosing) return;
    stepReplica(context, replica, message);
    if (replica.raft.leader === fromKey) replica.leaderHeardMs = this.nowMs;
  }

  /**
   * Tells a leader that no such replica runs here, so that its status can say so, and so that it
   * can park without it. It, and who would lead, may ask this node to join.
   */
  private sayUnknown(
    group: GroupId,
    incarnation: Incarnation,
    { kind }: Message,
    present: boolean,
  ): void {
    const leads = kind === "appendRequest" || kind === "heartbeatRequest" || kind === "parkRequest";
    const campaigns = kind === "preVoteRequest" || kind === "voteRequest";
    if (!leads && (present || !campaigns)) return;
    this.context.outboxes.sendControl(this.from.node, {
      kind: "groupUnknown",
      group,
      incarnation,
      present,
    });
  }

  onShardMessage(message: ShardMessage): void {
    switch (message.kind) {
      case "shardRequest":
        this.takeRequest(message);
        return;
      case "shardResponse":
        this.requests.handleResponse(this.from.node, message);
        return;
      case "shardAlive":
        // Of a node that is no member of any group nothing depends.
        if (this.fromKey === nobody) return;
        this.context.ticks.hear(this.from, message, this.nowMs);
        return;
      case "shardClosing":
        this.context.handovers.hearClosing(this.from);
        return;
      case "groupUnknown": {
        const replica = this.context.replicas.get(message.group);
        if (replica?.incarnation !== message.incarnation) return;
        if (!replica.incarnations.has(this.fromKey)) return;
        replica.noteAbsence(this.fromKey, message.present ? "resting" : "missing");
        this.context.ticks.follow(replica);
        if (!message.present) this.invitations.invite(replica, this.fromKey);
        return;
      }
    }
  }

  private takeRequest(request: ShardRequest): void {
    const { context } = this;
    const from = this.from.node;
    switch (request.op) {
      case requestOp.propose:
      case requestOp.read:
        takeForwarded(context, from, request);
        return;
      case requestOp.createReplica:
        takeCreateReplica(context, from, request);
        this.invitations.inviteUnbound(request.group);
        return;
      case requestOp.removeReplica:
        takeRemoveReplica(context, from, request);
        return;
      default:
        throw new RaftError("ERR_FRAME_INVALID", `Request of unknown operation ${request.op}`);
    }
  }

  onLinkUp(link: Link): void {
    this.context.ticks.linkUp(link);
    this.context.handovers.linkUp(link);
    this.context.replies.event({ kind: "peerConnected", node: link.node, peerShard: link.shard });
    this.eachReplicaOn(link.node, (replica, key) => {
      // Who has moved, or restarted with another number of shards, is heard anew.
      replica.noteAbsence(key, undefined);
      this.context.ticks.follow(replica);
      this.context.markDirty(replica);
      if (isCreator(this.context, replica) && isUnbound(replica, link.node)) {
        this.invitations.invite(replica, key);
      }
    });
    this.requests.tick();
    this.context.schedule();
  }

  onLinkDown(link: Link): void {
    const { context } = this;
    context.ticks.linkDown(link);
    context.outboxes.drop(link);
    this.requests.linkDown(link);
    this.eachReplicaOn(link.node, (replica, key) => {
      const current = context.environment.transport.link(link.node, replica.group);
      // Another link covers it now, or none: the node has moved, or has left the address book.
      if (replica.raft.parked) context.ticks.follow(replica);
      if (current !== undefined && current !== link) return;
      // The node may come back with another number of shards, and then has other links.
      replica.linked = false;
      replica.raft.reportUnreachable(key);
      context.ticks.follow(replica);
      context.markDirty(replica);
    });
    context.handovers.linkDown(link);
    context.replies.event({ kind: "peerLost", node: link.node, peerShard: link.shard });
    context.schedule();
  }

  onDrain(link: Link): void {
    const { context } = this;
    this.requests.tick();
    this.wake(context.outboxes.callWaiting(link));
    context.schedule();
  }

  /** A lane that is always in use is never empty: each round calls those that wait for room. */
  callWaiting(): void {
    this.wake(this.context.outboxes.callWhereRoom());
  }

  private wake(groups: readonly GroupId[]): void {
    const { context } = this;
    for (const group of groups) {
      const replica = context.replicas.get(group);
      if (replica?.raft.isLeader === true) context.markDirty(replica);
    }
  }

  onRefused(refusal: PeerRefusal): void {
    const { context } = this;
    context.replies.event({ kind: "peerRefused", refusal });
    context.schedule();
  }

  onPeerGone(node: NodeId): void {
    this.eachReplicaOn(node, (replica, key) => {
      const { ticks } = this.context;
      if (replica.raft.leader === key) replica.raft.suspectLeader(key, ticks.paceOfElections());
      ticks.follow(replica);
    });
  }

  private eachReplicaOn(node: NodeId, visit: (replica: Replica, key: NodeKey) => void): void {
    const key = this.context.nodes.find(node);
    if (key === undefined) return;
    const { replicas, inHand } = this.context;
    for (const replica of replicas.values()) {
      if (!replica.running || !replica.incarnations.has(key)) continue;
      inHand.take(replica.group);
      visit(replica, key);
    }
    inHand.release();
  }
}

function hasEntries(message: Message): boolean {
  return message.kind === "appendRequest" && message.blocks.length > 0;
}

/** Whether a member's node has not been reached since the group's creation. */
function isUnbound({ descriptor }: Replica, node: NodeId): boolean {
  return descriptor.members.some((member) => {
    return member.node === node && member.directory === undefined;
  });
}

/**
 * Gives a message to a replica. A contradiction of what is committed here ends the replica and not
 * the shard.
 */
export function stepReplica(context: ShardContext, replica: Replica, message: Message): void {
  context.inHand.take(replica.group);
  try {
    replica.raft.step(message);
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
    endFor(context, replica, error);
    return;
  }
  const { raft } = replica;
  context.ticks.follow(replica);
  if (raft.hasReady || wantsTurn(context, replica)) context.markDirty(replica);
  if (raft.state.log.canApply) context.markApplying(replica);
}

/**
 * Whether a commit makes work in the next round: proposals that waited for room in the log, or
 * followers to be told.
 */
export function wantsTurn(context: ShardContext, { open, raft }: Replica): boolean {
  // The commit was perhaps all that a successor waited for to be told.
  if (raft.successor !== nobody) return true;
  return (open.calls > 0 && raft.admits) || (!context.busy && raft.hasCommitNotices);
}
