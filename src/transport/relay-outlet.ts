/**
 * The relay's end of its port to one shard: the connections that it has accepted for it. Bytes go
 * on as they come from the socket, in the memory into which the system has read them.
 *
 * What the shard has not read yet is bounded for each connection and for all of them. A connection
 * that has reached its share is not read, so that its bytes stay with their sender; the others go
 * on, since a shard may read no data for a while but must hear its control lanes.
 */
import type { Duplex } from "node:stream";
import type { AcceptedSocket } from "./accepted-socket.ts";
import { readBytes } from "./relay-mail.ts";
import type { RelayEvent, RelayOrder, RelayPort, RelayedBatch } from "./relay-mail.ts";

/** Bytes of one connection that its shard has not read, at most; one read of the socket more. */
export const windowBytesMax = 1_048_576;
/** The same when there are many: two reads of a socket. */
const windowBytesMin = 4 * readBytes;
/** Of all connections of a shard, as long as each then has its least window. */
export const shardBytesMax = 67_108_864;

export interface OutletOwner {
  /** Runs a task later in this turn of the loop, after what the sockets have to say in it. */
  soon(task: () => void): void;
  /** The other end has proved to be one of us. */
  onGreeted(socket: AcceptedSocket): void;
  /** The shard is gone. */
  onClosed(): void;
}

interface Relayed {
  readonly socket: AcceptedSocket;
  /** Bytes that were posted and not read. */
  unread: number;
  hasEnded: boolean;
}

export class RelayOutlet {
  private readonly port: RelayPort<RelayedBatch, RelayOrder>;
  private readonly owner: OutletOwner;
  private readonly relayed = new Map<number, Relayed>();
  private lastId = 0;
  private batch: RelayEvent[] = [];
  private moved: ArrayBuffer[] = [];

  constructor(port: RelayPort<RelayedBatch, RelayOrder>, owner: OutletOwner) {
    this.port = port;
    this.owner = owner;
    port.on("message", (order) => this.take(order));
    port.on("close", () => {
      this.destroyAll();
      owner.onClosed();
    });
  }

  /** Bytes that one connection may have unread now. */
  private get window(): number {
    const share = Math.floor(shardBytesMax / this.relayed.size);
    return Math.max(windowBytesMin, Math.min(windowBytesMax, share));
  }

  /** Passes on a connection with what it has said so far. */
  add(socket: AcceptedSocket, peerNames: readonly string[], said: readonly Buffer[]): void {
    this.lastId += 1;
    const id = this.lastId;
    const relayed: Relayed = { socket, unread: 0, hasEnded: false };
    this.relayed.set(id, relayed);
    const { remoteAddress, remotePort } = socket;
    this.tell({ kind: "opened", id, remoteAddress, remotePort, peerNames });
    for (const chunk of said) this.onData(id, relayed, chunk);
    socket.on("data", (chunk: Buffer) => this.onData(id, relayed, chunk));
    socket.on("end", () => {
      relayed.hasEnded = true;
      this.tell({ kind: "ended", id });
    });
    socket.once("close", () => {
      this.relayed.delete(id);
      if (!relayed.hasEnded) this.tell({ kind: "closed", id });
    });
  }

  tell(event: RelayEvent): void {
    this.batch.push(event);
    if (this.batch.length === 1) this.owner.soon(() => this.post());
  }

  close(): void {
    this.destroyAll();
    this.port.close();
  }

  private destroyAll(): void {
    for (const { socket } of this.relayed.values()) socket.destroy();
  }

  private onData(id: number, relayed: Relayed, chunk: Buffer): void {
    const bytes = memoryOf(chunk);
    this.moved.push(bytes.buffer);
    this.tell({ kind: "data", id, bytes });
    relayed.unread += bytes.length;
    if (relayed.unread >= this.window) relayed.socket.pause();
  }

  private post(): void {
    const { batch, moved } = this;
    this.batch = [];
    this.moved = [];
    this.port.postMessage(batch, moved);
  }

  private take(order: RelayOrder): void {
    const relayed = this.relayed.get(order.id);
    if (relayed === undefined) return;
    const { socket } = relayed;
    switch (order.kind) {
      case "read":
        relayed.unread -= order.bytes;
        if (socket.isPaused() && relayed.unread * 2 <= this.window) socket.resume();
        return;
      case "write":
        this.write(socket, order);
        return;
      case "end":
        socket.end();
        return;
      case "destroy":
        socket.destroy();
        return;
      case "greeted":
        this.owner.onGreeted(socket);
        return;
    }
  }

  /** The shard writes again when the system has taken this, so that nothing piles up here. */
  private write(socket: Duplex, { id, bytes }: Extract<RelayOrder, { kind: "write" }>): void {
    socket.write(bytes, (error) => {
      if (error === undefined || error === null) this.tell({ kind: "written", id });
    });
  }
}

/** The bytes alone in their memory, so that it can be handed over: as a rule they are already. */
function memoryOf({ buffer, byteOffset, byteLength }: Buffer): Uint8Array<ArrayBuffer> {
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return isWhole
    ? new Uint8Array(buffer)
    : Uint8Array.from(new Uint8Array(buffer, byteOffset, byteLength));
}
