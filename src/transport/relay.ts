/**
 * One port for all shards of a node. A socket cannot be handed from thread to thread, so this
 * accepts every connection, with TLS if there are certificates, reads for which shard it is, and
 * passes its bytes on to that shard's thread: see RelayOutlet and, there, RelayIntake. It looks at
 * nothing but the first frame, and judges nobody: who may be there is the shard's business.
 *
 *   accepted ──► Hello ──► control, data: the shard that it names; one that is down: closed
 *                   │      directory:     that shard, or another one that is up
 *                   └────► anything else: some shard that is up, to be refused and counted there
 *
 * What the shards send to other nodes does not come by here: they dial themselves.
 */
import type { Socket } from "node:net";
import type { ShardId } from "../base/index.ts";
import type { Hello } from "../wire/index.ts";
import type { AcceptedSocket } from "./accepted-socket.ts";
import { addressOf } from "./address.ts";
import { Arrival } from "./arrival.ts";
import type { ArrivalOwner } from "./arrival.ts";
import { peerNames } from "./certificate-names.ts";
import type { CredentialOptions } from "./credentials.ts";
import { keepAliveMs } from "./dialled-connection.ts";
import { HostCounts } from "./host-counts.ts";
import { PortServer } from "./port-server.ts";
import type { PortServerEvents } from "./port-server.ts";
import { RelayOutlet } from "./relay-outlet.ts";
import type { RelayOrder, RelayPort, RelayedBatch } from "./relay-mail.ts";
import { SocketSet } from "./socket-set.ts";
import { Strangers, connectionsOfPeer } from "./strangers.ts";
import { resolveTcpOptions } from "./tcp-options.ts";
import type { TcpTransportOptions, TransportSettings } from "./tcp-options.ts";
import type { CloseReason } from "./transport-counters.ts";

/** `shard` is of no meaning. */
export interface RelayOptions extends TcpTransportOptions {
  readonly port: number;
  /** Runs a task after what the sockets have to say in this turn of the loop. */
  readonly soon: (task: () => void) => void;
}

export class Relay implements PortServerEvents, ArrivalOwner {
  private readonly options: RelayOptions;
  private readonly settings: TransportSettings;
  private readonly server: PortServer;
  private readonly sockets = new SocketSet();
  private readonly hosts = new HostCounts();
  private readonly strangers: Strangers;
  /** Of the shards that are up. */
  private readonly outlets = new Map<ShardId, RelayOutlet>();

  /** @throws ERR_OPTION_INVALID listing every fault */
  constructor(options: RelayOptions) {
    this.options = options;
    this.settings = resolveTcpOptions(options);
    this.strangers = new Strangers(this.settings.tuning.ungreetedMax, this.hosts);
    this.server = new PortServer(this.settings, this);
  }

  /**
   * Binds; resolves with the port.
   * @throws ERR_PORT_IN_USE, ERR_LISTEN_FAILED
   */
  listen(): Promise<number> {
    return this.server.listen(this.options.host, this.options.port);
  }

  /** A shard is up: takes connections for it from now on, until its end of the port closes. */
  attach(shard: ShardId, port: RelayPort<RelayedBatch, RelayOrder>): void {
    this.outlets.get(shard)?.close();
    const outlet: RelayOutlet = new RelayOutlet(port, {
      soon: this.options.soon,
      onGreeted: (socket) => this.onGreeted(socket),
      onClosed: () => {
        if (this.outlets.get(shard) === outlet) this.outlets.delete(shard);
      },
    });
    this.outlets.set(shard, outlet);
  }

  /** So many nodes are in the address book: all of their shards may greet at once. */
  expect(nodes: number): void {
    const { tuning, identity } = this.settings;
    this.strangers.max = tuning.ungreetedMax + nodes * connectionsOfPeer * identity.shards;
  }

  /** @throws ERR_OPTION_INVALID, and nothing has changed */
  renewCredentials(credentials: CredentialOptions): void {
    this.settings.credentials.renew(credentials);
    this.server.renew(this.settings.credentials.tls);
  }

  /** Closes every connection and the port. */
  async close(): Promise<void> {
    for (const outlet of this.outlets.values()) outlet.close();
    await Promise.all([this.server.close(), this.sockets.destroyAll()]);
  }

  onSocket(socket: Socket): void {
    this.sockets.add(socket);
    const superfluous = this.strangers.add(socket);
    if (superfluous === undefined) return;
    const why = `there are ${this.strangers.max} that have not greeted`;
    this.refuse("tooManyUngreeted", superfluous, why);
  }

  onTlsError(socket: Socket, error: Error): void {
    this.refuse("tlsFailed", socket, error.message);
  }

  onReady(socket: Socket): void {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    const { timers, tuning } = this.settings;
    // Its raw socket was added; with TLS this is another one.
    void new Arrival(socket, this, { timers, timeoutMs: tuning.greetingTimeoutMs });
  }

  onSaid({ socket, said }: Arrival, hello: Hello | undefined): void {
    this.strangers.onHello(socket);
    const outlet = this.outletFor(hello);
    if (outlet === undefined || socket.destroyed) socket.destroy();
    else outlet.add(socket, peerNames(socket), said);
  }

  onLate({ socket }: Arrival): void {
    const { greetingTimeoutMs } = this.settings.tuning;
    this.refuse("greetingTimeout", socket, `it said nothing in ${greetingTimeoutMs} ms`);
  }

  private onGreeted(socket: AcceptedSocket): void {
    this.strangers.remove(socket);
    this.hosts.addUntilClosed(socket);
  }

  private outletFor(hello: Hello | undefined): RelayOutlet | undefined {
    const isOfShard = hello !== undefined && hello.targetShard < this.settings.identity.shards;
    const meant = isOfShard ? this.outlets.get(hello.targetShard) : undefined;
    // As if nobody listened: the dialler asks where the shard is.
    if (meant !== undefined || (isOfShard && hello.lane !== "directory")) return meant;
    return this.someOutlet();
  }

  private someOutlet(): RelayOutlet | undefined {
    const [outlet] = this.outlets.values();
    return outlet;
  }

  /** Some shard counts it and tells of it. */
  private refuse(reason: CloseReason, socket: AcceptedSocket, why: string): void {
    this.someOutlet()?.tell({ kind: "refused", reason, address: addressOf(socket), why });
    socket.destroy();
  }
}
