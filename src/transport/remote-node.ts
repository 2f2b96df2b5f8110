/**
 * Another node as this shard reaches it: its address, the ports of its shards as its shard 0 told
 * them, and the links to those shards that somebody asked for.
 *
 *   first use      ask at the address for the directory (lane `directory`, closed after its
 *                  Welcome), then links can be made; whichever shard answers there knows all ports
 *   dial fails     ask again before the next try: the node may have come back with other ports; if
 *                  nobody answers at the address, ask the other shards at the ports known so far,
 *                  since one shard may be down and another not; if none answers, try those ports
 *   shard 0        is dialled where the directory was asked, if it was there that shard 0 answered:
 *                  behind a port mapping it is told of no port that leads anywhere
 *   shards differ  every group may live in another shard: all links end, and whoever asks gets new
 *                  ones
 */
import { shardOfGroup } from "../base/index.ts";
import type { GroupId, NodeId, ShardId } from "../base/index.ts";
import type { Welcome } from "../wire/index.ts";
import type { Address } from "./address.ts";
import { Backoff } from "./backoff.ts";
import { DialledConnection } from "./dialled-connection.ts";
import type { ConnectionContext } from "./dialled-connection.ts";
import { TcpLink } from "./tcp-link.ts";
import type { LinkOwner } from "./tcp-link.ts";
import type { Cancel } from "./timers.ts";
import type { Link, LinkFault, TransportHandler } from "./transport.ts";

/** Shards asked for the directory after the one at the node's address, at most. */
const siblingsAskedMax = 3;

export class RemoteNode implements LinkOwner {
  readonly context: ConnectionContext;
  readonly handler: TransportHandler;
  private readonly node: NodeId;
  private address: Address;
  /** Ports by shard; undefined until the node at `address` told them. */
  private ports: readonly number[] | undefined;
  /** How many shards the links were made for; outlives `ports` when the address changes. */
  private shards = 0;
  private readonly links = new Map<ShardId, TcpLink>();
  /** Links to dial when the question for the directory is settled. */
  private readonly waiting = new Set<TcpLink>();
  private question: DialledConnection | undefined;
  /** The port at which shard 0 has answered; undefined if it has told of another one. */
  private homePort: number | undefined;
  private readonly backoff: Backoff;
  private cancelRetry: Cancel | undefined;
  private lastFault: LinkFault | undefined;

  constructor(
    context: ConnectionContext,
    handler: TransportHandler,
    node: NodeId,
    address: Address,
  ) {
    this.context = context;
    this.handler = handler;
    this.node = node;
    this.address = address;
    const { tuning, prng } = context.settings;
    this.backoff = new Backoff(
      { minMs: tuning.reconnectMinMs, maxMs: tuning.reconnectMaxMs },
      prng,
    );
  }

  /** Why the node could not be reached when it was last tried. */
  get fault(): LinkFault | undefined {
    return this.lastFault;
  }

  /** The link to the shard that holds `group`, undefined until the node's shards are known. */
  link(group: GroupId): Link | undefined {
    if (this.ports === undefined) {
      this.askDirectory();
      return undefined;
    }
    const shard = shardOfGroup(group, this.ports.length);
    const known = this.links.get(shard);
    if (known !== undefined) return known;
    const link = new TcpLink(this, this.node, shard);
    this.links.set(shard, link);
    this.dial(link);
    return link;
  }

  /**
   * The address book changed: what was learnt at the old address says nothing about the new one.
   */
  move(address: Address): void {
    if (address.host === this.address.host && address.port === this.address.port) return;
    const wasAsking = this.question !== undefined || this.cancelRetry !== undefined;
    this.address = address;
    this.lastFault = undefined;
    this.stopAsking();
    this.ports = undefined;
    this.homePort = undefined;
    for (const link of this.links.values()) {
      this.waiting.add(link);
      link.disconnect();
    }
    if (wasAsking || this.waiting.size > 0) this.askDirectory();
  }

  /**
   * The node has just connected to us, so it is alive: pauses end.
   * @param returned it had no connection to us any more
   */
  nudge(instance: number, returned: boolean): void {
    if (this.cancelRetry !== undefined) {
      this.cancelRetry();
      this.cancelRetry = undefined;
      this.askDirectory();
    }
    for (const link of this.links.values()) link.nudge(instance, returned);
  }

  /** The node left the address book. */
  remove(): void {
    this.stopAsking();
    this.ports = undefined;
    this.endLinks();
  }

  /** The transport closes: as `remove`, and tells nobody. */
  abandon(): void {
    this.stopAsking();
    for (const link of this.links.values()) link.abandon();
    this.links.clear();
    this.waiting.clear();
  }

  onWelcome(welcome: Welcome): void {
    const { ports } = welcome;
    const placementDiffers = this.shards !== 0 && this.shards !== ports.length;
    // First what is true now, then the news of links that end: who hears it may ask for a link at
    // once.
    this.shards = ports.length;
    this.ports = ports;
    if (placementDiffers) this.endLinks();
  }

  onFault(fault: LinkFault | undefined): void {
    this.lastFault = fault;
  }

  onRetry(link: TcpLink, portSuspect: boolean): void {
    if (portSuspect || this.ports === undefined) {
      this.waiting.add(link);
      this.askDirectory();
    } else {
      this.dial(link);
    }
  }

  private endLinks(): void {
    const links = [...this.links.values()];
    this.links.clear();
    this.waiting.clear();
    for (const link of links) link.disconnect();
  }

  private dial(link: TcpLink): void {
    const told = this.ports?.[link.shard];
    if (told === undefined) return;
    if (told === 0) {
      link.postpone();
      return;
    }
    const port = link.shard === 0 ? (this.homePort ?? told) : told;
    link.dial({ host: this.address.host, port });
  }

  private dialWaiting(): void {
    const links = [...this.waiting];
    this.waiting.clear();
    for (const link of links) this.dial(link);
  }

  private askDirectory(): void {
    if (this.question !== undefined || this.cancelRetry !== undefined) return;
    this.ask(this.address.port, this.siblingPorts());
  }

  /** Ports of the shards that may answer in place of the one at the address. */
  private siblingPorts(): number[] {
    const others = (this.ports ?? []).filter((port) => port !== 0 && port !== this.address.port);
    return others.slice(0, siblingsAskedMax);
  }

  /** Asks at a port, and if nobody answers there, at the others in turn. */
  private ask(port: number, others: readonly number[]): void {
    const { node } = this;
    const address = { host: this.address.host, port };
    const target = { address, node, shard: 0, lane: "directory" as const };
    this.question = new DialledConnection(this.context, target, {
      onGreeted: (welcome) => {
        this.stopAsking();
        this.backoff.reset();
        const isHome = port === this.address.port && welcome.shard === 0;
        this.homePort = isHome ? port : undefined;
        this.onWelcome(welcome);
        this.dialWaiting();
      },
      onClosed: (fault) => {
        this.question = undefined;
        this.lastFault = fault;
        const [next, ...rest] = others;
        if (next !== undefined) {
          this.ask(next, rest);
          return;
        }
        if (this.ports !== undefined) this.dialWaiting();
        else this.askLater();
      },
      onDrain: () => {},
    });
  }

  private askLater(): void {
    const { timers } = this.context.settings;
    this.cancelRetry = timers.after(this.backoff.next(), () => {
      this.cancelRetry = undefined;
      this.askDirectory();
    });
  }

  private stopAsking(): void {
    this.question?.close();
    this.question = undefined;
    this.cancelRetry?.();
    this.cancelRetry = undefined;
  }
}
