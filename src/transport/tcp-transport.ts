/**
 * Transport over TCP, with TLS where certificates are given: one per shard, with its own port and
 * its own connections.
 */
import { RaftError, assert } from "../base/index.ts";
import type { GroupId, NodeId } from "../base/index.ts";
import { parseAddress } from "./address.ts";
import type { Address } from "./address.ts";
import type { CredentialOptions } from "./credentials.ts";
import type { ConnectionContext } from "./dialled-connection.ts";
import { HostCounts } from "./host-counts.ts";
import { Listener } from "./listener.ts";
import { RefusalLog } from "./refusal-log.ts";
import type { RelayOrder, RelayPort, RelayedBatch } from "./relay-mail.ts";
import { RemoteNode } from "./remote-node.ts";
import { SocketSet } from "./socket-set.ts";
import { resolveTcpOptions } from "./tcp-options.ts";
import type { TcpTransportOptions } from "./tcp-options.ts";
import { TransportCounters } from "./transport-counters.ts";
import type { Link, LinkFault, Transport, TransportHandler, TransportStats } from "./transport.ts";

export class TcpTransport implements Transport {
  private readonly context: ConnectionContext;
  private readonly host: string;
  private readonly listenPort: number | (() => Promise<number>);
  private readonly relayed: boolean;
  private boundPort = 0;
  private handler: TransportHandler | undefined;
  private listener: Listener | undefined;
  /** The address book, and what has been learnt of each node that somebody asked for. */
  private readonly addresses = new Map<NodeId, Address>();
  private readonly remotes = new Map<NodeId, RemoteNode>();
  private ports: readonly number[] | undefined;
  private closed: Promise<void> | undefined;

  /** @throws ERR_OPTION_INVALID listing every fault */
  constructor(options: TcpTransportOptions) {
    const settings = resolveTcpOptions(options);
    const { timers } = settings;
    this.context = {
      settings,
      refusals: new RefusalLog(timers, (refusal) => this.handler?.onRefused(refusal)),
      counters: new TransportCounters(),
      sockets: new SocketSet(),
      hosts: new HostCounts(),
    };
    this.host = options.host;
    this.listenPort = options.port;
    this.relayed = options.relayed ?? false;
  }

  get port(): number {
    return this.boundPort;
  }

  async listen(handler: TransportHandler): Promise<void> {
    if (this.closed !== undefined) throw closedError();
    assert(this.listener === undefined, "listen is called once");
    this.listener = new Listener(this.context, {
      handler,
      isExpected: (node) => this.addresses.has(node),
      onPeerGreeted: (peer, returned) =>
        this.remotes.get(peer.node)?.nudge(peer.instance, returned),
    });
    if (this.ports !== undefined) this.listener.setDirectory(this.ports);
    this.listener.expect(this.addresses.size);
    try {
      this.boundPort = await this.bind(this.listener);
    } catch (error) {
      // So that it can be called again once the port is free.
      this.listener = undefined;
      throw error;
    }
    if (this.closed !== undefined) throw closedError();
    this.handler = handler;
  }

  private async bind(listener: Listener): Promise<number> {
    const { listenPort } = this;
    const port = typeof listenPort === "number" ? listenPort : await listenPort();
    if (this.closed !== undefined) throw closedError();
    if (!this.relayed) return await listener.listen(this.host, port);
    assert(port !== 0, "the relay's port is known");
    return port;
  }

  /** The relay is there, perhaps anew: connections come by this port from now on. */
  attachRelay(port: RelayPort<RelayOrder, RelayedBatch>): void {
    assert(this.relayed && this.listener !== undefined, "connections are relayed to who listens");
    if (this.closed === undefined) this.listener.attachRelay(port);
    else port.close();
  }

  setDirectory(ports: readonly number[]): void {
    const { shards } = this.context.settings.identity;
    assert(ports.length === shards, `a node of ${shards} shards has ${ports.length} ports`);
    this.ports = [...ports];
    this.listener?.setDirectory(this.ports);
  }

  /**
   * @throws ERR_OPTION_INVALID on an address that is not host:port; the address book is then
   * unchanged
   */
  setPeers(addresses: Readonly<Record<NodeId, string>>): void {
    const own = this.context.settings.identity.node;
    const book = new Map<NodeId, Address>();
    for (const [node, text] of Object.entries(addresses)) {
      if (node !== own) book.set(node, parseAddress(text));
    }
    // The book is complete before anybody hears of links that end.
    this.addresses.clear();
    for (const [node, address] of book) this.addresses.set(node, address);
    this.listener?.expect(book.size);
    for (const [node, remote] of this.remotes) {
      const address = book.get(node);
      if (address !== undefined) {
        remote.move(address);
        continue;
      }
      this.remotes.delete(node);
      remote.remove();
    }
  }

  link(node: NodeId, group: GroupId): Link | undefined {
    if (this.closed !== undefined || this.handler === undefined) return undefined;
    let remote = this.remotes.get(node);
    if (remote === undefined) {
      const address = this.addresses.get(node);
      if (address === undefined) return undefined;
      remote = new RemoteNode(this.context, this.handler, node, address);
      this.remotes.set(node, remote);
    }
    return remote.link(group);
  }

  faultOf(node: NodeId): LinkFault | undefined {
    return this.remotes.get(node)?.fault;
  }

  pauseData(paused: boolean): void {
    this.listener?.pauseData(paused);
  }

  renewCredentials(credentials: CredentialOptions): void {
    this.context.settings.credentials.renew(credentials);
    this.listener?.onCredentials();
  }

  stats(): TransportStats {
    return this.context.counters.stats(this.context.sockets.size);
  }

  close(): Promise<void> {
    this.closed ??= this.closeAll();
    return this.closed;
  }

  private async closeAll(): Promise<void> {
    for (const remote of this.remotes.values()) remote.abandon();
    this.remotes.clear();
    this.context.refusals.close();
    // The listener first: it ends its connections without a word, and accepts no more.
    await this.listener?.close();
    await this.context.sockets.destroyAll();
  }
}

function closedError(): RaftError {
  return new RaftError("ERR_ENGINE_CLOSED", "The transport is closed");
}
