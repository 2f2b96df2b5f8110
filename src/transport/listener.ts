/**
 * The accepting side of a shard: its port, the connections on it, and which nodes are present on
 * them.
 *
 * Bounds: connections that have not greeted (`ungreetedMax`), and one open connection for each lane
 * of each shard of each node: a second one of the same process means that the first is dead and
 * only its end has not been noticed yet. One process speaks for a node: see Contests.
 */
import type { Socket } from "node:net";
import { limits } from "../base/index.ts";
import type { NodeId } from "../base/index.ts";
import { AcceptedConnection } from "./accepted-connection.ts";
import type { AcceptedOwner } from "./accepted-connection.ts";
import type { AcceptedSocket } from "./accepted-socket.ts";
import { addressOf } from "./address.ts";
import { Contests } from "./contests.ts";
import { keepAliveMs } from "./dialled-connection.ts";
import type { ConnectionContext } from "./dialled-connection.ts";
import { PortServer } from "./port-server.ts";
import type { PortServerEvents } from "./port-server.ts";
import { RelayIntake } from "./relay-intake.ts";
import type { IntakeOwner } from "./relay-intake.ts";
import type { RelayOrder, RelayPort, RelayedBatch } from "./relay-mail.ts";
import { RelayedSocket } from "./relayed-socket.ts";
import { Strangers, connectionsOfPeer } from "./strangers.ts";
import { isRefusal } from "./transport-counters.ts";
import type { CloseReason } from "./transport-counters.ts";
import type { PeerShard, TransportHandler } from "./transport.ts";

/**
 * Open connections: both lanes of a shard for each node there can be, and room for nodes with
 * several shards.
 */
const openMax = 8 * limits.nodesMax;

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

export class Listener implements AcceptedOwner, PortServerEvents, IntakeOwner {
  readonly context: ConnectionContext;
  private readonly events: ListenerEvents;
  private readonly server: PortServer;
  /** Where the relay passes connections on, if it has this shard's port. */
  private intake: RelayIntake | undefined;
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

  constructor(context: ConnectionContext, events: ListenerEvents) {
    this.context = context;
    this.events = events;
    const { timers, tuning } = context.settings;
    this.strangers = new Strangers(tuning.ungreetedMax, context.hosts);
    // The newcomer itself waits for its Welcome meanwhile.
    const contestMs = Math.min(tuning.silenceMs, tuning.greetingTimeoutMs) / 2;
    this.contests = new Contests(timers, contestMs);
    this.server = new PortServer(context.settings, this);
  }

  get ports(): readonly number[] | undefined {
    return this.directory;
  }

  /** Binds; resolves with the port. */
  listen(host: string, port: number): Promise<number> {
    return this.server.listen(host, port);
  }

  /** Takes the connections that the relay accepts, in place of those of a port. */
  attachRelay(port: RelayPort<RelayOrder, RelayedBatch>): void {
    this.intake?.close();
    this.intake = new RelayIntake(port, this);
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
    this.server.renew(this.context.settings.credentials.tls);
  }

  /** Stops accepting and ends every connection without telling the handler. */
  async close(): Promise<void> {
    this.closing = true;
    this.contests.close();
    for (const connection of this.connections) connection.close();
    this.intake?.close();
    await Promise.all([this.server.close(), this.context.sockets.destroyAll()]);
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
    if (connection.socket instanceof RelayedSocket) connection.socket.greeted();
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

  /** Somebody who has not said who it is. */
  private refuse(reason: CloseReason, address: string, why: string): void {
    this.context.counters.refuse(reason);
    if (!isRefusal(reason)) return;
    const message = `A connection from ${address}: ${why}`;
    this.context.refusals.note({
      direction: "incoming",
      node: undefined,
      address,
      reason,
      message,
    });
  }

  onTlsError(socket: Socket, error: Error): void {
    this.refuse("tlsFailed", addressOf(socket), error.message);
    socket.destroy();
  }

  onSocket(socket: Socket): void {
    this.addStranger(socket);
  }

  onRelayed(socket: RelayedSocket): void {
    this.addStranger(socket);
    if (this.closing) socket.destroy();
    else if (!socket.destroyed) this.connections.add(new AcceptedConnection(this, socket));
  }

  onRefused(reason: CloseReason, address: string, why: string): void {
    this.refuse(reason, address, why);
  }

  private addStranger(socket: AcceptedSocket): void {
    this.context.sockets.add(socket);
    const superfluous = this.strangers.add(socket);
    if (superfluous === undefined) return;
    const why = `there are ${this.context.settings.tuning.ungreetedMax} that have not greeted`;
    this.refuse("tooManyUngreeted", addressOf(superfluous), why);
    superfluous.destroy();
  }

  onReady(socket: Socket): void {
    if (this.closing || socket.destroyed) {
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    this.connections.add(new AcceptedConnection(this, socket));
  }
}

function laneKey(peer: PeerShard, lane: string): string {
  return `${peer.node}/${peer.shard}/${lane}`;
}
