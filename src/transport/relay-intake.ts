/** The shard's end of its port to the relay: makes a socket of each connection passed on. */
import type { CloseReason } from "./transport-counters.ts";
import type { RelayEvent, RelayOrder, RelayPort, RelayedBatch } from "./relay-mail.ts";
import { RelayedSocket } from "./relayed-socket.ts";

export interface IntakeOwner {
  onRelayed(socket: RelayedSocket): void;
  /** The relay has ended a connection that was for nobody yet. */
  onRefused(reason: CloseReason, address: string, why: string): void;
}

export class RelayIntake {
  private readonly port: RelayPort<RelayOrder, RelayedBatch>;
  private readonly owner: IntakeOwner;
  private readonly sockets = new Map<number, RelayedSocket>();

  constructor(port: RelayPort<RelayOrder, RelayedBatch>, owner: IntakeOwner) {
    this.port = port;
    this.owner = owner;
    port.on("message", (batch) => {
      for (const event of batch) this.take(event);
    });
    // The relay has ended, and its sockets with it.
    port.on("close", () => this.destroyAll());
  }

  close(): void {
    this.destroyAll();
    this.port.close();
  }

  private destroyAll(): void {
    for (const socket of this.sockets.values()) socket.destroy();
  }

  private take(event: RelayEvent): void {
    if (event.kind === "refused") {
      this.owner.onRefused(event.reason, event.address, event.why);
      return;
    }
    const { id } = event;
    if (event.kind === "opened") {
      const socket = new RelayedSocket(event, (order) => this.port.postMessage(order));
      this.sockets.set(id, socket);
      socket.once("close", () => this.sockets.delete(id));
      this.owner.onRelayed(socket);
      return;
    }
    const socket = this.sockets.get(id);
    // It has been destroyed here, and the relay does not know it yet.
    if (socket === undefined || socket.destroyed) return;
    switch (event.kind) {
      case "data":
        socket.deliver(event.bytes);
        return;
      case "ended":
        socket.deliverEnd();
        return;
      case "closed":
        socket.destroy();
        return;
      case "written":
        socket.onWritten();
        return;
    }
  }
}
