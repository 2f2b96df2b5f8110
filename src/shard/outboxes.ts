/**
 * Gathers what a round sends: for each link one batch a lane, so that the messages of all groups
 * between two shards leave as one frame, in one write.
 */
import type { GroupId, Incarnation, NodeId } from "../base/index.ts";
import type { Message } from "../raft/index.ts";
import type { Lane, Link, Transport } from "../transport/index.ts";
import { MessageBatch } from "../wire/index.ts";
import type { GroupMessage, ShardAlive, ShardClosing, ShardMessage } from "../wire/index.ts";

/** A frame is closed early once it holds this much, so that the other side can begin. */
const frameBytesTarget = 1_048_576;

const shardClosing: ShardClosing = { kind: "shardClosing" };

interface Outbox {
  readonly link: Link;
  readonly control: MessageBatch;
  readonly data: MessageBatch;
}

export class Outboxes {
  /** Messages that had no connection to leave on. */
  unsent = 0;
  private readonly transport: Transport;
  private readonly byLink: Map<Link, Outbox> = new Map();

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Whether entries for a group may be sent to a node now: connected, and less than `laneBytesMax`
   * queued.
   */
  takesEntries(node: NodeId, group: GroupId, laneBytesMax: number): boolean {
    const link = this.transport.link(node, group);
    if (link === undefined || !link.up) return false;
    const waiting = this.byLink.get(link)?.data.bytes ?? 0;
    return link.queuedBytes("data") + waiting < laneBytesMax;
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

  /** Returns false where there is no connection to the node's shard now. */
  sendShardMessage(node: NodeId, message: GroupMessage): boolean {
    const link = this.transport.link(node, message.group);
    if (link === undefined || !link.up) return false;
    this.batchFor(link, "data", message).addShardMessage(message);
    return true;
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
    for (const { link, data } of this.byLink.values()) {
      if (data.count > 0) link.send("data", data.take());
    }
  }

  /** Forgets what waits for a link that is gone. */
  drop(link: Link): void {
    this.byLink.delete(link);
  }

  private batchFor(link: Link, lane: Lane, message: Message | ShardMessage): MessageBatch {
    let outbox = this.byLink.get(link);
    if (outbox === undefined) {
      outbox = { link, control: new MessageBatch(), data: new MessageBatch() };
      this.byLink.set(link, outbox);
    }
    const batch = outbox[lane];
    // A control message takes a few bytes: below the target it fits.
    const full = batch.bytes >= frameBytesTarget || (lane === "data" && !batch.fits(message));
    if (full && batch.count > 0) {
      link.send(lane, batch.take());
    }
    return batch;
  }
}
