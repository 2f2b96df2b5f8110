import type { AcceptedSocket } from "./accepted-socket.ts";

/**
 * Every socket of a transport from its making to its end, so that `close` can wait until none is
 * left.
 */
export class SocketSet {
  private readonly sockets = new Set<AcceptedSocket>();
  private whenEmpty: (() => void) | undefined;

  get size(): number {
    return this.sockets.size;
  }

  add(socket: AcceptedSocket): void {
    this.sockets.add(socket);
    socket.once("close", () => {
      this.sockets.delete(socket);
      if (this.sockets.size === 0) this.whenEmpty?.();
    });
  }

  /** Destroys all and resolves when each has said so. */
  async destroyAll(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (this.sockets.size === 0) return;
    await new Promise<void>((resolve) => {
      this.whenEmpty = resolve;
    });
  }
}
