/**
 * A connection that the relay has accepted for this shard, as the shard sees it: a stream like the
 * socket itself. While it is paused nothing is reported as read, so that the relay soon reads
 * nothing more, and what is sent stays with its sender.
 */
import { Duplex } from "node:stream";
import { readBytes } from "./relay-mail.ts";
import type { RelayEvent, RelayOrder } from "./relay-mail.ts";

type Opened = Extract<RelayEvent, { kind: "opened" }>;
type Done = (error?: Error | null) => void;

export class RelayedSocket extends Duplex {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly peerNames: readonly string[];
  private readonly id: number;
  private readonly order: (order: RelayOrder) => void;
  /** Bytes read that the relay has not been told of. */
  private untold = 0;
  private writeDone: Done | undefined;

  constructor(opened: Opened, order: (order: RelayOrder) => void) {
    // As sockets are that a server accepts: when the other end has ended, so does this one.
    super({ allowHalfOpen: false });
    this.id = opened.id;
    this.order = order;
    this.remoteAddress = opened.remoteAddress;
    this.remotePort = opened.remotePort;
    this.peerNames = opened.peerNames;
    this.on("data", (chunk: Buffer) => this.onRead(chunk.length));
  }

  /** The other end has proved to be one of us. */
  greeted(): void {
    this.order({ kind: "greeted", id: this.id });
  }

  deliver({ buffer, byteOffset, byteLength }: Uint8Array): void {
    // What it returns says when to stop, which here is said by not reading.
    this.push(Buffer.from(buffer, byteOffset, byteLength));
  }

  deliverEnd(): void {
    this.push(null);
  }

  onWritten(): void {
    const done = this.writeDone;
    this.writeDone = undefined;
    done?.();
  }

  override _read(): void {
    // It comes by itself.
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    this.writeDone = done;
    // A copy: a small buffer is a part of a pool, which would travel as a whole.
    this.order({ kind: "write", id: this.id, bytes: Uint8Array.from(chunk) });
  }

  override _final(done: Done): void {
    this.order({ kind: "end", id: this.id });
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.order({ kind: "destroy", id: this.id });
    done(error);
  }

  private onRead(bytes: number): void {
    this.untold += bytes;
    if (this.untold < readBytes) return;
    this.order({ kind: "read", id: this.id, bytes: this.untold });
    this.untold = 0;
  }
}
