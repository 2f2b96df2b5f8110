/**
 * The twin of TcpTransport without sockets, for shards that run inline in tests. Same contract: at
 * most once, in order on each lane, links that come and go, shard counts learnt from the other
 * side.
 */
import { RaftError, assert, shardOfGroup } from "../base/index.ts";
import type { GroupId, NodeId, ShardId } from "../base/index.ts";
import { FrameDecoder } from "../wire/index.ts";
import { parseAddress } from "./address.ts";
import { MemoryLink } from "./memory-link.ts";
import type { MemoryNetwork } from "./memory-network.ts";
import type { TransportIdentity } from "./tcp-options.ts";
import { TransportCounters } from "./transport-counters.ts";
import type {
  Link,
  LinkFault,
  PeerShard,
  Transport,
  TransportHandler,
  TransportStats,
} from "./transport.ts";

export interface MemoryTransportOptions extends TransportIdentity {
  /** 0 for the next free one. Hosts of addresses mean nothing here. */
  readonly port: number;
  /** Bytes in flight on one lane before `send` drops. @default 67,108,864 */
  readonly sendQueueBytesMax?: number | undefined;
}

export class MemoryTransport implements Transport {
  readonly identity: TransportIdentity;
  readonly counters: TransportCounters = new TransportCounters();
  readonly sendQueueBytesMax: number;
  /** Frames of data lanes wait on their way here. */
  dataPaused = false;
  /** Set from `listen` to `close`. */
  handler: TransportHandler | undefined;
  private readonly network: MemoryNetwork;
  private readonly wantedPort: number;
  private boundPort = 0;
  /** Frames come whole, each from any peer, but for the last part of a broken connection. */
  private decoder: FrameDecoder = new FrameDecoder();
  private ports: readonly number[] | undefined;
  private book: ReadonlyMap<NodeId, number> = new Map();
  /** Shard counts learnt, by node. */
  private readonly shardsOfNode = new Map<NodeId, number>();
  /** Why a node refuses this one, as the handler was told. */
  private readonly refusedBy = new Map<NodeId, string>();
  private readonly links = new Map<NodeId, Map<ShardId, MemoryLink>>();
  /** Links that others have up to here, by their node. */
  private readonly linksFrom = new Map<NodeId, number>();

  constructor(network: MemoryNetwork, options: MemoryTransportOptions) {
    this.network = network;
    this.identity = options;
    this.wantedPort = options.port;
    this.sendQueueBytesMax = options.sendQueueBytesMax ?? 67_108_864;
  }

  get port(): number {
    return this.boundPort;
  }

  get peer(): PeerShard {
    const { node, shard, incarnation } = this.identity;
    return { node, shard, incarnation };
  }

  listen(handler: TransportHandler): Promise<void> {
    return new Promise((resolve) => {
      assert(this.handler === undefined, "listen is called once");
      this.boundPort = this.network.bind(this, this.wantedPort);
      this.handler = handler;
      resolve();
    });
  }

  setDirectory(ports: readonly number[]): void {
    assert(ports.length === this.identity.shards, "a directory has a port for each shard");
    this.ports = [...ports];
    this.network.changed();
  }

  setPeers(addresses: Readonly<Record<NodeId, string>>): void {
    const book = new Map<NodeId, number>();
    for (const [node, text] of Object.entries(addresses)) {
      if (node !== this.identity.node) book.set(node, parseAddress(text).port);
    }
    const before = this.book;
    this.book = book;
    for (const [node, port] of before) {
      if (book.get(node) !== port) this.sever(node);
    }
    this.network.changed();
  }

  link(node: NodeId, group: GroupId): Link | undefined {
    if (this.handler === undefined || !this.book.has(node)) return undefined;
    const shards = this.shardsOfNode.get(node);
    if (shards === undefined) {
      this.shardsOfNode.set(node, 0);
      this.network.changed();
      return undefined;
    }
    if (shards === 0) return undefined;
    const shard = shardOfGroup(group, shards);
    const links = this.links.get(node) ?? new Map<ShardId, MemoryLink>();
    this.links.set(node, links);
    const link = links.get(shard) ?? new MemoryLink(this.network, this, node, shard);
    if (!links.has(shard)) {
      links.set(shard, link);
      this.network.changed();
    }
    return link;
  }

  faultOf(node: NodeId): LinkFault | undefined {
    const port = this.book.get(node);
    if (port === undefined || this.find(node, 0) !== undefined) return undefined;
    const found = this.network.isCut(this.identity.node, node) ? undefined : this.network.at(port);
    if (found === undefined || found.ports === undefined) {
      return { reason: "connectFailed", text: `memory:${port}: nobody answers`, refused: false };
    }
    const { cluster, node: name } = found.identity;
    const reason = cluster === this.identity.cluster ? "nodeMismatch" : "clusterMismatch";
    const text = `memory:${port}: it refused us: ${reason}: this is node ${name} of cluster ${cluster}`;
    return { reason: `peerRefused:${reason}`, text, refused: true };
  }

  pauseData(paused: boolean): void {
    this.dataPaused = paused;
    if (!paused) this.network.resumeData(this);
  }

  /** Nobody proves anything here. */
  renewCredentials(): void {}

  stats(): TransportStats {
    let open = 0;
    for (const links of this.links.values()) {
      for (const link of links.values()) open += link.up ? 2 : 0;
    }
    for (const count of this.linksFrom.values()) open += count * 2;
    return this.counters.stats(open);
  }

  async close(): Promise<void> {
    if (this.handler === undefined) return;
    this.handler = undefined;
    for (const node of this.links.keys()) this.sever(node);
    this.network.unbind(this);
  }

  /** The shard of a node, where it can be reached from here now. */
  find(node: NodeId, shard: ShardId): MemoryTransport | undefined {
    if (this.handler === undefined || this.network.isCut(this.identity.node, node))
      return undefined;
    const first = this.network.at(this.book.get(node));
    if (first === undefined || !first.answersAs(node, 0, this.identity.cluster)) return undefined;
    const found = this.network.at(first.ports?.[shard]);
    return found?.answersAs(node, shard, this.identity.cluster) === true ? found : undefined;
  }

  linksTo(node: NodeId): readonly MemoryLink[] {
    return [...(this.links.get(node)?.values() ?? [])];
  }

  /** Ends the links to a node, at once and silently; `review` tells. */
  sever(node: NodeId): void {
    for (const link of this.linksTo(node)) link.sever();
  }

  /** Hands over what waited on the way to a shard that reads again. */
  resumeTo(transport: MemoryTransport): void {
    for (const link of this.links.get(transport.identity.node)?.values() ?? []) {
      if (link.leadsTo(transport)) link.resume();
    }
  }

  /** Ends the links to one shard, which closes. */
  severShard(transport: MemoryTransport): void {
    for (const link of this.links.get(transport.identity.node)?.values() ?? []) {
      if (link.leadsTo(transport)) link.sever();
    }
  }

  /** Takes a frame of a peer; false where it closes its connection. */
  take(from: PeerShard, frame: Uint8Array): boolean {
    const { counters } = this;
    counters.bytesReceived += frame.length;
    try {
      this.decoder.push(frame, (body) => {
        counters.framesReceived += 1;
        this.handler?.onFrame(from, body);
      });
      if (this.decoder.partial) this.decoder = new FrameDecoder();
      return true;
    } catch (error) {
      this.decoder = new FrameDecoder();
      if (error instanceof Error && error.name === "AssertionError") throw error;
      const invalid = error instanceof RaftError && error.code === "ERR_FRAME_INVALID";
      counters.refuse(invalid ? "frameInvalid" : "handlerFailed");
      return false;
    }
  }

  review(): void {
    for (const node of this.shardsOfNode.keys()) {
      this.learnShards(node);
      this.tellRefusal(node);
    }
    for (const links of this.links.values()) {
      for (const link of links.values()) link.review();
    }
  }

  /** Another shard's link to here came up (1) or ended (-1). */
  onPeerLink(node: NodeId, change: 1 | -1): void {
    const count = (this.linksFrom.get(node) ?? 0) + change;
    if (count > 0) {
      this.linksFrom.set(node, count);
      return;
    }
    this.linksFrom.delete(node);
    this.network.schedule(() => {
      if (!this.linksFrom.has(node)) this.handler?.onPeerGone(node);
    });
  }

  private tellRefusal(node: NodeId): void {
    const fault = this.faultOf(node);
    const reason = fault?.refused === true ? fault.reason : undefined;
    if (this.refusedBy.get(node) === reason) return;
    if (fault === undefined || reason === undefined) {
      this.refusedBy.delete(node);
      return;
    }
    this.refusedBy.set(node, reason);
    this.handler?.onRefused({
      direction: "outgoing",
      node,
      address: `memory:${this.book.get(node) ?? 0}`,
      reason,
      message: `Node ${node} at ${fault.text}`,
      count: 1,
    });
  }

  private learnShards(node: NodeId): void {
    const first = this.find(node, 0);
    if (first === undefined) return;
    const { shards } = first.identity;
    const before = this.shardsOfNode.get(node);
    this.shardsOfNode.set(node, shards);
    if (before === 0 || before === shards) return;
    const ended = this.links.get(node);
    this.links.delete(node);
    for (const link of ended?.values() ?? []) {
      link.sever();
      link.end();
    }
  }

  private answersAs(node: NodeId, shard: ShardId, cluster: string): boolean {
    const { identity } = this;
    return (
      this.handler !== undefined &&
      this.ports !== undefined &&
      identity.node === node &&
      identity.shard === shard &&
      identity.cluster === cluster
    );
  }
}
