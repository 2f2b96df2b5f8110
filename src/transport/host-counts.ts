import type { AcceptedSocket } from "./accepted-socket.ts";

/**
 * From which hosts connections have come, or to which they lead, whose other end has proved to be
 * one of us. As many entries as there are such connections at the most.
 */
export class HostCounts {
  private readonly counts = new Map<string, number>();

  has(host: string): boolean {
    return this.counts.has(host);
  }

  /** Counts the other end's host until the socket closes. */
  addUntilClosed(socket: AcceptedSocket): void {
    const host = socket.remoteAddress;
    if (host === undefined || socket.destroyed) return;
    this.counts.set(host, (this.counts.get(host) ?? 0) + 1);
    socket.once("close", () => {
      const left = (this.counts.get(host) ?? 0) - 1;
      if (left > 0) this.counts.set(host, left);
      else this.counts.delete(host);
    });
  }
}
