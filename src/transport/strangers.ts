/**
 * The connections that have not completed their greeting, in the order in which they came. There
 * may be so many at the most; beyond that one of them is closed, which need not be the newest:
 * silent strangers must not lock peers out. First goes who has said nothing, among those who is
 * from a host of which no peer is known, and among those the oldest.
 */
import type { AcceptedSocket } from "./accepted-socket.ts";
import type { HostCounts } from "./host-counts.ts";

/** Connections that a node may open at once to a shard: two lanes of a few shards each. */
export const connectionsOfPeer = 8;

interface Stranger {
  readonly socket: AcceptedSocket;
  readonly rank: number;
}

/** What speaks for a connection. Having said a Hello outweighs coming from a peer's host. */
const fromKnownHost = 1;
const hasSaidHello = 2;

export class Strangers {
  /** How many there may be. */
  max: number;
  private readonly hosts: HostCounts;
  /** By the endpoint of the other side: with TLS a connection has two socket objects. */
  private readonly byEndpoint = new Map<string, Stranger>();

  constructor(max: number, hosts: HostCounts) {
    this.max = max;
    this.hosts = hosts;
  }

  /** Takes a socket in. Returns one that has to go if there are too many now. */
  add(socket: AcceptedSocket): AcceptedSocket | undefined {
    const endpoint = endpointOf(socket);
    const rank = this.hosts.has(socket.remoteAddress ?? "") ? fromKnownHost : 0;
    this.byEndpoint.set(endpoint, { socket, rank });
    socket.once("close", () => {
      if (this.byEndpoint.get(endpoint)?.socket === socket) this.byEndpoint.delete(endpoint);
    });
    return this.byEndpoint.size > this.max ? this.takeLeast() : undefined;
  }

  onHello(socket: AcceptedSocket): void {
    const stranger = this.byEndpoint.get(endpointOf(socket));
    if (stranger === undefined) return;
    // Assigned in place: the order of coming stays.
    const rank = stranger.rank | hasSaidHello;
    this.byEndpoint.set(endpointOf(socket), { socket: stranger.socket, rank });
  }

  /** The greeting is complete: a stranger no longer. */
  remove(socket: AcceptedSocket): void {
    this.byEndpoint.delete(endpointOf(socket));
  }

  private takeLeast(): AcceptedSocket | undefined {
    let least: Stranger | undefined;
    for (const stranger of this.byEndpoint.values()) {
      if (least === undefined || stranger.rank < least.rank) least = stranger;
      if (least.rank === 0) break;
    }
    if (least !== undefined) this.remove(least.socket);
    return least?.socket;
  }
}

function endpointOf({ remoteAddress, remotePort }: AcceptedSocket): string {
  return `${remoteAddress} ${remotePort}`;
}
