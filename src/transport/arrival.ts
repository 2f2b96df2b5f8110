/**
 * A connection that has not said yet for which shard it is. What it says is kept and only looked
 * at: the shard judges it, from the first byte on.
 */
import { FrameDecoder, greetingBytesMax, readGreeting } from "../wire/index.ts";
import type { Hello } from "../wire/index.ts";
import type { AcceptedSocket } from "./accepted-socket.ts";
import type { Timers } from "./timers.ts";

export interface ArrivalOwner {
  /** Its first frame has come; undefined where that is no Hello of ours. */
  onSaid(arrival: Arrival, hello: Hello | undefined): void;
  /** It has said nothing whole in time. */
  onLate(arrival: Arrival): void;
}

export class Arrival {
  readonly socket: AcceptedSocket;
  /** All that has come. */
  readonly said: Buffer[] = [];
  private readonly owner: ArrivalOwner;
  private readonly decoder: FrameDecoder = new FrameDecoder(greetingBytesMax);
  private readonly leave: () => void;
  private isOver = false;

  constructor(
    socket: AcceptedSocket,
    owner: ArrivalOwner,
    wait: { readonly timers: Timers; readonly timeoutMs: number },
  ) {
    this.socket = socket;
    this.owner = owner;
    const cancel = wait.timers.after(wait.timeoutMs, () => {
      this.end();
      owner.onLate(this);
    });
    const onData = (chunk: Buffer): void => this.onData(chunk);
    const onEnd = (): void => {
      this.end();
      socket.destroy();
    };
    this.leave = () => {
      cancel();
      socket.off("data", onData);
      socket.off("end", onEnd);
      socket.off("close", onEnd);
    };
    socket.on("data", onData);
    socket.on("end", onEnd);
    socket.on("close", onEnd);
    // "close" follows, for whoever has the socket then.
    socket.on("error", () => {});
  }

  private onData(chunk: Buffer): void {
    this.said.push(chunk);
    try {
      this.decoder.push(chunk, (body) => this.onBody(body));
    } catch {
      this.finish(undefined);
    }
  }

  private onBody(body: Uint8Array): void {
    if (this.isOver) return;
    const greeting = readGreeting(body);
    this.finish(greeting.kind === "hello" ? greeting.hello : undefined);
  }

  private finish(hello: Hello | undefined): void {
    if (this.isOver) return;
    this.end();
    this.owner.onSaid(this, hello);
  }

  private end(): void {
    this.isOver = true;
    this.leave();
  }
}
