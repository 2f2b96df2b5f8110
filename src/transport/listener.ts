/**
 * The accepting side of a shard: its port, the connections on it, and which nodes are present on
 * them.
 *
 * Bounds: connections that have not greeted (`ungreetedMax`), and one open connection for each lane
 * of each shard of each node: a second one of the same process means that the first is dead and
 * only its end has not been noticed yet. One process speaks for a node: see Contests.
 */
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { Server as TlsServer, createServer as createTlsServer } from "node:tls";
import type { SecureContextOptions } from "node:tls";
import { RaftError, limits } from "../base/index.ts";
import type { NodeId } from "../base/index.ts";
import { AcceptedConnection } from "./accepted-connection.ts";
import type { AcceptedOwner } from "./accepted-connection.ts";
import { addressOf } from "./address.ts";
import { Contests } from "./contests.ts";
import type { TlsMaterial } from "./credentials.ts";
import type { ConnectionContext } from "./dialled-connection.ts";
import { Strangers } from "./strangers.ts";
import type { CloseReason } from "./transport-counters.ts";
import type { PeerShard, TransportHandler } from "./transport.ts";

/**
 * Open connections: both lanes of a shard for each node there can be, and room for nodes with
 * several shards.
 */
const openMax = 8 * limits.nodesMax;

/** Connections that a node may open at once to a shard: two lanes of a few shards each. */
const connectionsOfPeer = 8;

export interface ListenerEvents {
  readonly handler: TransportHandler;
  /** Whether a node is in the address book: others must not take its place. */
  isExpected(node: NodeId): boolean;
  /**
   * A process of a node has connected to us: it is alive.
   * @param returned the node had no open connection to us before
   */
  onPeerGreeted(
    peer: { readonly node: NodeId; readonly instance: number },
    returned: boolean,
  ): void;
}

export class Listener implements AcceptedOwner {
  readonly context: ConnectionContext;
  private readonly events: ListenerEvents;
  private readonly server: Server;
  private directory: readonly number[] | undefined;
  private readonly connections = new Set<AcceptedConnection>();
  /** Open connections by node, shard and lane. */
  private readonly open = new Map<string, AcceptedConnection>();
  private readonly openOfNode = new Map<NodeId, Set<AcceptedConnection>>();
  /** Those that have not greeted, some of them before TLS. */
  private readonly strangers: Strangers;
  private readonly contests: Contests;
  private closing = false;
  private dataPaused = false;
  private bound: Promise<number> | undefined;

  constructor(context: ConnectionContext, events: ListenerEvents) {
    this.context = context;
    this.events = events;
    const { timers, tuning } = context.settings;
    this.strangers = new Strangers(tuning.ungreetedMax, context.hosts);
    // The newcomer itself waits for its Welcome meanwhile.
    const contestMs = Math.min(tuning.silenceMs, tuning.greetingTimeoutMs) / 2;
    this.contests = new Contests(timers, contestMs);
    this.server = this.createServer();
    this.server.on("connection", (socket: Socket) => this.onSocket(socket));
  }

  get ports(): readonly number[] | undefined {
    return this.directory;
  }

  /** Binds; resolves with the port. */
  listen(host: string, port: number): Promise<number> {
    this.bound = this.bind(host, port);
    return this.bound;
  }

  setDirectory(ports: readonly number[]): void {
    this.directory = ports;
    for (const connection of this.connections) connection.onDirectory();
  }

  /** So many nodes are in the address book: all of them may greet at once. */
  expect(nodes: number): void {
    const { ungreetedMax } = this.context.settings.tuning;
    this.strangers.max = ungreetedMax + nodes * connectionsOfPeer;
  }

  /** Whether to read nothing of what comes on data lanes. */
  pauseData(paused: boolean): void {
    this.dataPaused = paused;
    for (const connection of this.open.values()) {
      if (connection.lane === "data") connection.pause(paused);
    }
  }

  /** From now on connections are accepted with the credentials that there are now. */
  onCredentials(): void {
    const { tls } = this.context.settings.credentials;
    if (tls !== undefined && this.server instanceof TlsServer) {
      this.server.setSecureContext(contextOptionsOf(tls));
    }
  }

  /** Stops accepting and ends every connection without telling the handler. */
  async close(): Promise<void> {
    this.closing = true;
    this.contests.close();
    for (const connection of this.connections) connection.close();
    // A server that is still resolving its host cannot be closed; it would listen afterwards.
    await this.bound?.catch(() => {});
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    await Promise.all([closed, this.context.sockets.destroyAll()]);
  }

  onHello(connection: AcceptedConnection): void {
    this.strangers.onHello(connection.socket);
  }

  isContested(connection: AcceptedConnection): boolean {
    const rivals = this.rivalsOf(connection);
    if (rivals.length === 0) return false;
    this.contests.begin(connection, rivals);
    return true;
  }

  admit(connection: AcceptedConnection): "tooManyConnections" | "nodeInUse" | undefined {
    const { peer, instance } = connection;
    const key = laneKey(peer, connection.lane);
    const older = this.open.get(key);
    const isSurplus = older === undefined && this.open.size >= openMax;
    if (isSurplus && !this.events.isExpected(peer.node)) return "tooManyConnections";
    const rivals = this.rivalsOf(connection);
    if (rivals.length > 0 && !connection.wonContest) return "nodeInUse";
    this.strangers.remove(connection.socket);
    this.context.hosts.addUntilClosed(connection.socket);
    this.open.set(key, connection);
    // Counted before the older ones are closed, so that their end is not taken for the end of the
    // node.
    const ofNode = this.openOfNode.get(peer.node);
    if (ofNode === undefined) this.openOfNode.set(peer.node, new Set([connection]));
    else ofNode.add(connection);
    for (const rival of rivals) rival.close("superseded");
    older?.close("superseded");
    if (this.dataPaused && connection.lane === "data") connection.pause(true);
    this.events.onPeerGreeted({ node: peer.node, instance }, ofNode === undefined);
    return undefined;
  }

  onHeard(connection: AcceptedConnection): void {
    this.contests.onHeard(connection);
  }

  /** Open connections of other processes of the node. */
  private rivalsOf({ peer, instance }: AcceptedConnection): AcceptedConnection[] {
    const open = [...(this.openOfNode.get(peer.node) ?? [])];
    return open.filter((other) => other.instance !== instance);
  }

  onFrame(from: PeerShard, body: Uint8Array): void {
    this.events.handler.onFrame(from, body);
  }

  onClosed(connection: AcceptedConnection): void {
    this.connections.delete(connection);
    if (!connection.admitted) {
      if (connection.hasPeer) this.contests.onNewcomerClosed(connection);
      return;
    }
    const { peer } = connection;
    const key = laneKey(peer, connection.lane);
    if (this.open.get(key) === connection) this.open.delete(key);
    const left = this.openOfNode.get(peer.node);
    left?.delete(connection);
    if (left !== undefined && left.size > 0) return;
    this.openOfNode.delete(peer.node);
    if (this.closing) return;
    this.events.handler.onPeerGone(peer.node);
    this.contests.end(peer.node);
  }

  private bind(host: string, port: number): Promise<number> {
    const { server } = this;
    return new Promise((resolve, reject) => {
      const onError = (cause: NodeJS.ErrnoException): void =>
        reject(listenError(host, port, cause));
      server.once("error", onError);
      server.listen({ host, port }, () => {
        server.removeListener("error", onError);
        // Errors of accept (no descriptors left) pass by themselves; the peer dials again.
        server.on("error", () => {});
        const address = server.address();
        resolve(isAddressInfo(address) ? address.port : port);
      });
    });
  }

  private createServer(): Server {
    const { credentials, tuning } = this.context.settings;
    const { tls } = credentials;
    if (tls === undefined) {
      return createServer({ noDelay: true }, (socket) => this.onReady(socket));
    }
    const server = createTlsServer(
      {
        ...contextOptionsOf(tls),
        requestCert: true,
        rejectUnauthorized: true,
        handshakeTimeout: tuning.greetingTimeoutMs,
      },
      (socket) => this.onReady(socket),
    );
    server.on("tlsClientError", (error, socket) => {
      this.refuse("tlsFailed", addressOf(socket), error.message);
      socket.destroy();
    });
    return server;
  }

  /** Somebody who has not said who it is. */
  private refuse(reason: CloseReason, address: string, why: string): void {
    this.context.counters.refuse(reason);
    const message = `A connection from ${address}: ${why}`;
    this.context.refusals.note({
      direction: "incoming",
      node: undefined,
      address,
      reason,
      message,
    });
  }

  /** A raw socket, before TLS. */
  private onSocket(socket: Socket): void {
    this.context.sockets.add(socket);
    const superfluous = this.strangers.add(socket);
    if (superfluous === undefined) return;
    const why = `there are ${this.context.settings.tuning.ungreetedMax} that have not greeted`;
    this.refuse("tooManyUngreeted", addressOf(superfluous), why);
    superfluous.destroy();
  }

  /** A socket ready for a greeting. */
  private onReady(socket: Socket): void {
    if (this.closing || socket.destroyed) {
      socket.destroy();
      return;
    }
    this.connections.add(new AcceptedConnection(this, socket));
  }
}

function contextOptionsOf({ options: { key, cert, ca } }: TlsMaterial): SecureContextOptions {
  return { key, cert, ca, minVersion: "TLSv1.3" };
}

function laneKey(peer: PeerShard, lane: string): string {
  return `${peer.node}/${peer.shard}/${lane}`;
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === "object" && address !== null;
}

function listenError(host: string, port: number, cause: NodeJS.ErrnoException): RaftError {
  return cause.code === "EADDRINUSE"
    ? new RaftError("ERR_PORT_IN_USE", `Cannot listen on ${host}:${port}: the port is taken`, {
        cause,
      })
    : new RaftError("ERR_LISTEN_FAILED", `Cannot listen on ${host}:${port}: ${cause.message}`, {
        cause,
      });
}
