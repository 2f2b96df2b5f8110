/**
 * Gathers what a round sends: for each link one batch a lane, so that the messages of all groups
 * between two shards leave as one frame, in one write.
 */
import { none } from "../base/index.ts";
import type { GroupId, Incarnation, NodeId } from "../base/index.ts";
import type { Message } from "../raft/index.ts";
import type { Lane, Link, Transport } from "../transport/index.ts";
import { MessageBatch } from "../wire/index.ts";
import type {
  GroupMessage,
  ShardAlive,
  ShardClosing,
  ShardMessage,
  ShardRequest,
  ShardResponse,
} from "../wire/index.ts";
import { LaneTurns } from "./lane-turns.ts";

/** A frame is closed early once it holds this much, so that the other side can begin. */
const frameBytesTarget = 1_048_576;

const shardClosing: ShardClosing = { kind: "shardClosing" };

/**
 * Entries that are read back from the store, for a follower that is far behind, are queued up to
 * here: what is new, and calls between nodes, must not wait behind them.
 */
const catchUpBytesMax = 1_048_576;

/**
 * Of a lane's room, what calls and their answers may take in between two turns of the groups that
 * wait for it: they come all the time, and would keep it too full for any entries for ever.
 */
const callShare = 1 / 4;

interface Outbox {
  readonly link: Link;
  readonly control: MessageBatch;
  readonly data: MessageBatch;
  /** Turns at the data lane of those that send new entries, and of those that send old ones. */
  readonly turns: LaneTurns;
  readonly catchUpTurns: LaneTurns;
  /** What calls and answers have taken since groups began to wait, or had their turn. */
  callBytes: number;
  /** Answers to other nodes' calls that the lane has no room for, oldest first. */
  held: ShardResponse[];
}

export interface OutboxBounds {
  /** Bytes queued on one data lane. */
  readonly lane: number;
  /** The same of all lanes together. */
  readonly lanes: number;
  /** Bytes of answers that wait for room on lanes. */
  readonly held: number;
}

export class Outboxes {
  /** Messages that had no connection to leave on. */
  unsent = 0;
  private readonly transport: Pick<Transport, "link">;
  /** Bytes of answers that wait for room on a lane. */
  heldBytes = 0;
  private readonly byLink: Map<Link, Outbox> = new Map();
  private readonly bounds: OutboxBounds;
  /** What one data lane may hold, an equal part: a node that reads nothing stops no other. */
  private laneRoom: number;

  constructor(transport: Pick<Transport, "link">, bounds: OutboxBounds) {
    this.transport = transport;
    this.bounds = bounds;
    this.laneRoom = bounds.lane;
  }

  private shareLanes(): void {
    const { lane, lanes } = this.bounds;
    this.laneRoom = Math.min(lane, Math.ceil(lanes / Math.max(1, this.byLink.size)));
  }

  /**
   * The groups that were called have been asked for entries. Returns links whose data lane is empty
   * though groups wait for it: those that were called had nothing to send any more, and the others
   * were refused for their sake. No end of a write will call them, since nothing is written.
   */
  endRound(): readonly Link[] {
    let idle: Link[] | undefined;
    for (const outbox of this.byLink.values()) {
      const { link, data, turns, catchUpTurns } = outbox;
      turns.endTurn();
      catchUpTurns.endTurn();
      if (!groupsWait(outbox)) continue;
      if (data.count > 0 || link.queuedBytes("data") > 0) continue;
      idle ??= [];
      idle.push(link);
    }
    return idle ?? none;
  }

  /**
   * Whether entries for a group may be sent to a node now: connected, room on the lane, and no
   * other group's turn. `old` are entries that have to be read back from the store.
   */
  takesEntries(node: NodeId, group: GroupId, old: boolean): boolean {
    const link = this.transport.link(node, group);
    if (link === undefined || !link.up) return false;
    const outbox = this.outboxOf(link);
    const turns = old ? outbox.catchUpTurns : outbox.turns;
    const room = old ? Math.min(catchUpBytesMax, this.laneRoom) : this.laneRoom;
    const queued = link.queuedBytes("data") + outbox.data.bytes;
    if (!groupsWait(outbox)) outbox.callBytes = 0;
    if (turns.admits(group, queued < room)) return true;
    link.tellDrained("data");
    return false;
  }

  /** Whether old entries for a group could be sent to a node now, were it the group's turn. */
  hasRoomFor(node: NodeId, group: GroupId): boolean {
    const link = this.transport.link(node, group);
    if (link === undefined || !link.up) return false;
    const room = Math.min(catchUpBytesMax, this.laneRoom);
    return link.queuedBytes("data") + this.outboxOf(link).data.bytes < room;
  }

  /** The data lane of a link has room: the groups that wait for it, in their order. */
  callWaiting(link: Link): GroupId[] {
    const outbox = this.byLink.get(link);
    if (outbox === undefined) return [];
    outbox.callBytes = 0;
    this.sendHeld(outbox);
    return [...outbox.turns.call(), ...outbox.catchUpTurns.call()];
  }

  /** The same for links whose lane is not empty but has room again. */
  callWhereRoom(): GroupId[] {
    const called: GroupId[] = [];
    for (const [link, outbox] of this.byLink) {
      if (!groupsWait(outbox)) continue;
      const room = Math.min(catchUpBytesMax, this.laneRoom);
      if (link.queuedBytes("data") + outbox.data.bytes < room / 2)
        called.push(...this.callWaiting(link));
    }
    return called;
  }

  sendMessage(node: NodeId, group: GroupId, incarnation: Incarnation, message: Message): void {
    const link = this.transport.link(node, group);
    if (link === undefined || !link.up) {
      this.unsent += 1;
      return;
    }
    const lane: Lane = message.kind === "appendRequest" ? "data" : "control";
    this.batchFor(link, lane, message).addMessage(group, incarnation, message);
  }

  /**
   * Sends a call to another node, if there is a connection to its shard ("down" if not) and room on
   * it ("full" if not).
   */
  sendRequest(node: NodeId, request: ShardRequest): "sent" | "full" | "down" {
    const link = this.transport.link(node, request.group);
    if (link === undefined || !link.up) return "down";
    const outbox = this.outboxOf(link);
    if (!this.hasRoom(outbox)) {
      link.tellDrained("data");
      return "full";
    }
    this.addCall(outbox, request);
    return "sent";
  }

  /**
   * Answers a call of another node. Without a connection the answer is lost; without room it waits
   * in its order, if too much does not wait already: a node that goes on asking and takes no
   * answers must not use up this one's memory, and its callers have deadlines.
   */
  sendResponse(node: NodeId, response: ShardResponse): void {
    const link = this.transport.link(node, response.group);
    if (link === undefined || !link.up) return;
    const outbox = this.outboxOf(link);
    if (outbox.held.length === 0 && this.hasRoom(outbox)) {
      this.addCall(outbox, response);
      return;
    }
    link.tellDrained("data");
    if (this.heldBytes >= this.bounds.held) return;
    outbox.held.push(response);
    this.heldBytes += response.payload.length;
  }

  /** Whether a lane has room for a call or an answer. */
  private hasRoom(outbox: Outbox): boolean {
    const { link, data, callBytes } = outbox;
    if (link.queuedBytes("data") + data.bytes >= this.laneRoom) return false;
    return callBytes < this.laneRoom * callShare || !groupsWait(outbox);
  }

  private addCall(outbox: Outbox, message: ShardRequest | ShardResponse): void {
    this.batchFor(outbox.link, "data", message).addShardMessage(message);
    outbox.callBytes += message.payload.length;
  }

  private sendHeld(outbox: Outbox): void {
    let sent = 0;
    for (const response of outbox.held) {
      if (!this.hasRoom(outbox)) break;
      this.addCall(outbox, response);
      this.heldBytes -= response.payload.length;
      sent += 1;
    }
    if (sent > 0) outbox.held = outbox.held.slice(sent);
    if (outbox.held.length > 0) outbox.link.tellDrained("data");
  }

  /** What answers the algorithm's messages, and must not be overtaken by them. */
  sendControl(node: NodeId, message: GroupMessage): void {
    const link = this.transport.link(node, message.group);
    if (link?.up === true) this.batchFor(link, "control", message).addShardMessage(message);
  }

  /** Tells the shard at the other end that this one lives. */
  sendAlive(link: Link, sign: ShardAlive): void {
    if (link.up) this.batchFor(link, "control", sign).addShardMessage(sign);
  }

  /** Tells the shard at the other end that this one is about to close. */
  sendClosing(link: Link): void {
    if (link.up) this.batchFor(link, "control", shardClosing).addShardMessage(shardClosing);
  }

  /** One write for each lane that has something. */
  flush(): void {
    for (const { link, control } of this.byLink.values()) {
      if (control.count > 0) link.send("control", control.take());
    }
    this.flushData();
  }

  /** Sends entries, and calls between nodes, before anything else. */
  flushData(): void {
    for (const outbox of this.byLink.values()) {
      const { link, data } = outbox;
      if (outbox.held.length > 0) this.sendHeld(outbox);
      if (data.count > 0) link.send("data", data.take());
    }
  }

  /** Forgets what waits for a link that is gone. */
  drop(link: Link): void {
    for (const { payload } of this.byLink.get(link)?.held ?? []) this.heldBytes -= payload.length;
    this.byLink.delete(link);
    this.shareLanes();
  }

  private outboxOf(link: Link): Outbox {
    let outbox = this.byLink.get(link);
    if (outbox === undefined) {
      const turns = { turns: new LaneTurns(), catchUpTurns: new LaneTurns() };
      const batches = { control: new MessageBatch(), data: new MessageBatch() };
      outbox = { link, ...batches, ...turns, callBytes: 0, held: [] };
      this.byLink.set(link, outbox);
      this.shareLanes();
    }
    return outbox;
  }

  private batchFor(link: Link, lane: Lane, message: Message | ShardMessage): MessageBatch {
    const batch = this.outboxOf(link)[lane];
    // A control message takes a few bytes: below the target it fits.
    const full = batch.bytes >= frameBytesTarget || (lane === "data" && !batch.fits(message));
    if (full && batch.count > 0) {
      link.send(lane, batch.take());
    }
    return batch;
  }
}

function groupsWait({ turns, catchUpTurns }: Outbox): boolean {
  return turns.anyWaiting || catchUpTurns.anyWaiting;
}
