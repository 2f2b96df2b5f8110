/**
 * The link to one shard of another node: both lanes, up when both are greeted. When one is lost
 * both are torn down, so that "down" has one meaning and frames after the next "up" are not mixed
 * with frames from before; then both are dialled again, with growing pauses, for as long as the
 * node is in the address book.
 *
 *   dialling ──both greeted──► up ──a lane lost──► waiting (back-off) ──► dialling …
 *       └───────a dial failed──────────────────────────┘
 *
 * When the node greets this one from another process than the link leads to, the link is dialled
 * anew at once: what it leads to is gone.
 */
import type { Incarnation, NodeId, ShardId } from "../base/index.ts";
import type { Frame, Welcome } from "../wire/index.ts";
import type { Address } from "./address.ts";
import { Backoff } from "./backoff.ts";
import { DialledConnection } from "./dialled-connection.ts";
import type { ConnectionContext } from "./dialled-connection.ts";
import type { Cancel } from "./timers.ts";
import type { Lane, Link, LinkFault, TransportHandler } from "./transport.ts";

/** What a link needs of the node that it leads to. */
export interface LinkOwner {
  readonly context: ConnectionContext;
  readonly handler: TransportHandler;
  onWelcome(welcome: Welcome): void;
  /** Why the node cannot be reached; undefined once a link is up. */
  onFault(fault: LinkFault | undefined): void;
  /**
   * The pause is over. `portSuspect`: the last dial failed, so the shard may listen elsewhere by
   * now.
   */
  onRetry(link: TcpLink, portSuspect: boolean): void;
}

export class TcpLink implements Link {
  readonly node: NodeId;
  readonly shard: ShardId;
  private readonly owner: LinkOwner;
  private readonly backoff: Backoff;
  private control: DialledConnection | undefined;
  private data: DialledConnection | undefined;
  private lanesGreeted = 0;
  private greetedBy: Incarnation | undefined;
  /** The process that the lanes lead to. */
  private instance = 0;
  private isUp = false;
  private retry: { readonly cancel: Cancel; readonly portSuspect: boolean } | undefined;

  constructor(owner: LinkOwner, node: NodeId, shard: ShardId) {
    this.owner = owner;
    this.node = node;
    this.shard = shard;
    const { tuning, prng } = owner.context.settings;
    this.backoff = new Backoff(
      { minMs: tuning.reconnectMinMs, maxMs: tuning.reconnectMaxMs },
      prng,
    );
  }

  get up(): boolean {
    return this.isUp;
  }

  get incarnation(): Incarnation | undefined {
    return this.greetedBy;
  }

  send(lane: Lane, frame: Frame): boolean {
    const connection = this.isUp ? this[lane] : undefined;
    if (connection !== undefined) return connection.send(frame);
    this.owner.context.counters.framesDropped += 1;
    return false;
  }

  tellDrained(lane: Lane): void {
    this[lane]?.tellDrained();
  }

  queuedBytes(lane: Lane): number {
    return this[lane]?.queuedBytes ?? 0;
  }

  /** Dials both lanes, unless they are being dialled or are up. */
  dial(address: Address): void {
    if (this.control !== undefined) return;
    this.cancelRetry();
    this.control = this.dialLane("control", address);
    this.data = this.dialLane("data", address);
  }

  /**
   * The node has greeted this one from a process. Does not wait for the pause to end; leaves
   * another process; and asks the same one whether it still has this link, if it had lost its own.
   */
  nudge(instance: number, returned: boolean): void {
    if (this.retry !== undefined) {
      const { portSuspect } = this.retry;
      this.cancelRetry();
      this.owner.onRetry(this, portSuspect);
      return;
    }
    if (this.lanesGreeted === 0) return;
    if (this.instance !== instance) {
      this.disconnect();
      this.owner.onRetry(this, true);
    } else if (returned) {
      this.control?.suspect();
      this.data?.suspect();
    }
  }

  /** The shard has no port now, since it is down: asks again after a pause. */
  postpone(): void {
    if (this.control === undefined && this.retry === undefined) this.retryLater(true);
  }

  /** Ends both lanes and stays down until `dial`. */
  disconnect(): void {
    this.cancelRetry();
    const wasUp = this.tearDown();
    if (wasUp) this.owner.handler.onLinkDown(this);
  }

  /** As `disconnect`, and tells nobody: the transport closes. */
  abandon(): void {
    this.cancelRetry();
    this.tearDown();
  }

  private dialLane(lane: Lane, address: Address): DialledConnection {
    const target = { address, node: this.node, shard: this.shard, lane };
    return new DialledConnection(this.owner.context, target, {
      onGreeted: (welcome) => this.onLaneGreeted(welcome),
      onClosed: (fault) => this.onLaneClosed(fault),
      onDrain: () => this.owner.handler.onDrain(this),
    });
  }

  private onLaneGreeted(welcome: Welcome): void {
    this.lanesGreeted += 1;
    this.greetedBy = welcome.incarnation;
    this.instance = welcome.instance;
    const complete = this.lanesGreeted === 2;
    if (complete) {
      this.isUp = true;
      this.backoff.reset();
      this.owner.onFault(undefined);
    }
    this.owner.onWelcome(welcome);
    // What the Welcome says may have ended this link: the node came back with another number of
    // shards.
    if (complete && this.isUp) this.owner.handler.onLinkUp(this);
  }

  private onLaneClosed(fault: LinkFault): void {
    const wasUp = this.tearDown();
    this.owner.onFault(fault);
    this.retryLater(!wasUp);
    if (wasUp) this.owner.handler.onLinkDown(this);
  }

  private retryLater(portSuspect: boolean): void {
    const { timers } = this.owner.context.settings;
    const cancel = timers.after(this.backoff.next(), () => {
      this.retry = undefined;
      this.owner.onRetry(this, portSuspect);
    });
    this.retry = { cancel, portSuspect };
  }

  /** Returns whether the link was up. */
  private tearDown(): boolean {
    const wasUp = this.isUp;
    this.isUp = false;
    this.lanesGreeted = 0;
    this.control?.close();
    this.data?.close();
    this.control = undefined;
    this.data = undefined;
    return wasUp;
  }

  private cancelRetry(): void {
    this.retry?.cancel();
    this.retry = undefined;
  }
}
