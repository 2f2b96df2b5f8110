import type { Incarnation, NodeId, ShardId } from "../base/index.ts";
import { wholeFrame } from "../wire/index.ts";
import type { Frame } from "../wire/index.ts";
import type { MemoryFrame, MemoryNetwork } from "./memory-network.ts";
import type { MemoryTransport } from "./memory-transport.ts";
import type { Lane, Link } from "./transport.ts";

/** The frames of one lane that are in flight. */
class LaneQueue {
  readonly frames: Uint8Array[] = [];
  bytes = 0;
  drainDue = false;
  /** Frames that have arrived at an end that does not read. */
  arrived = 0;

  clear(): void {
    this.frames.length = 0;
    this.bytes = 0;
    this.drainDue = false;
    this.arrived = 0;
  }
}

/** A link between two MemoryTransports: two queues, and the same rules as over TCP. */
export class MemoryLink implements Link {
  readonly node: NodeId;
  readonly shard: ShardId;
  private readonly network: MemoryNetwork;
  private readonly owner: MemoryTransport;
  /** The other end, while the link is up. */
  private remote: MemoryTransport | undefined;
  /**
   * Lost, but the handler has not been told yet. Nothing can be sent meanwhile, and what was in
   * flight is gone.
   */
  private severed = false;
  /** Up, and carrying nothing: until somebody finds out that nothing comes back. */
  private hung = false;
  private greetedBy: Incarnation | undefined;
  private readonly control = new LaneQueue();
  private readonly data = new LaneQueue();

  constructor(network: MemoryNetwork, owner: MemoryTransport, node: NodeId, shard: ShardId) {
    this.network = network;
    this.owner = owner;
    this.node = node;
    this.shard = shard;
  }

  get incarnation(): Incarnation | undefined {
    return this.greetedBy;
  }

  get up(): boolean {
    return this.remote !== undefined && !this.severed;
  }

  send(lane: Lane, parts: Frame): boolean {
    const frame = wholeFrame(parts);
    const queue = this[lane];
    const { counters, sendQueueBytesMax } = this.owner;
    if (!this.up || queue.bytes + frame.length > sendQueueBytesMax) {
      counters.framesDropped += 1;
      return false;
    }
    queue.frames.push(frame);
    queue.bytes += frame.length;
    if (queue.bytes * 2 > sendQueueBytesMax) queue.drainDue = true;
    counters.framesSent += 1;
    counters.bytesSent += frame.length;
    this.network.wire.carry(this.describe(lane, frame), () => this.deliver(lane));
    return true;
  }

  tellDrained(lane: Lane): void {
    this[lane].drainDue = true;
  }

  queuedBytes(lane: Lane): number {
    return this[lane].bytes;
  }

  /** The other end reads again: what has arrived meanwhile is handed over, each as a task. */
  resume(): void {
    const { arrived } = this.data;
    this.data.arrived = 0;
    for (let count = 0; count < arrived; count += 1) {
      this.network.schedule(() => this.deliver("data"), this.remote);
    }
  }

  leadsTo(transport: MemoryTransport): boolean {
    return this.remote === transport;
  }

  /** From now on every frame is lost silently, until the link is severed. */
  hang(): void {
    this.hung = this.up;
  }

  /** What a probe finds that is not answered. */
  severIfHung(): void {
    if (this.hung) this.sever();
  }

  /** The way is lost at this moment; `review` tells the handler. */
  sever(): void {
    if (this.remote === undefined || this.severed) return;
    this.severed = true;
    this.hung = false;
    this.control.clear();
    this.data.clear();
    this.remote.onPeerLink(this.owner.identity.node, -1);
  }

  /** Tells of a loss, if there was one. */
  end(): void {
    if (!this.severed) return;
    this.severed = false;
    this.remote = undefined;
    this.owner.handler?.onLinkDown(this);
  }

  /** Says what has changed, and connects where it can. */
  review(): void {
    this.end();
    if (this.remote !== undefined) return;
    const remote = this.owner.find(this.node, this.shard);
    if (remote === undefined) return;
    this.remote = remote;
    this.greetedBy = remote.identity.incarnation;
    remote.onPeerLink(this.owner.identity.node, 1);
    this.owner.handler?.onLinkUp(this);
  }

  /**
   * Delivers the oldest frame of a lane. After a loss the queue is empty, or holds frames with
   * tasks of their own.
   */
  private deliver(lane: Lane): void {
    const queue = this[lane];
    const { remote } = this;
    if (lane === "data" && remote?.dataPaused === true && queue.arrived < queue.frames.length) {
      queue.arrived += 1;
      return;
    }
    const frame = queue.frames.shift();
    if (frame === undefined || remote === undefined || this.severed) return;
    queue.bytes -= frame.length;
    const described = this.describe(lane, frame);
    const arriving = this.hung ? undefined : this.network.wire.arriving(described);
    if (arriving !== undefined) this.hand(remote, arriving, frame.length);
    if (queue.drainDue && queue.bytes === 0 && this.up) {
      queue.drainDue = false;
      this.owner.handler?.onDrain(this);
    }
  }

  private describe(lane: Lane, frame: Uint8Array): MemoryFrame {
    return { from: this.owner.peer, to: { node: this.node, shard: this.shard }, lane, frame };
  }

  /** What the receiver refuses, or gets only a part of, ends the connection. */
  private hand(remote: MemoryTransport, arriving: Uint8Array, length: number): void {
    let whole = false;
    try {
      whole = remote.take(this.owner.peer, arriving) && arriving.length >= length;
    } finally {
      if (!whole) {
        this.sever();
        this.network.changed();
      }
    }
  }
}
