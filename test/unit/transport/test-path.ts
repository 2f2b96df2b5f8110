/** What lies between two transports: a relay that can swallow or hold bytes, and turns by hand. */
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import type { TestContext } from "node:test";
import type { Cancel, Timers } from "../../../src/transport/index.ts";
interface Relayed {
  readonly near: Socket;
  readonly far: Socket;
}

/** A port on the loopback that leads to another one. */
export class TestPath {
  /** Where new connections lead to. */
  target: number;
  private readonly host: string;
  private readonly server: Server;
  private pairs: Relayed[] = [];
  private readonly swallowed = new WeakSet<Socket>();
  /** What the newest connection has sent and must wait, while something must. */
  private held: { readonly pair: Relayed; bytes: Buffer } | undefined;

  private constructor(target: number, host: string) {
    this.target = target;
    this.host = host;
    this.server = createServer((near) => this.relay(near));
  }

  static async open(t: TestContext, target: number, host = "127.0.0.1"): Promise<TestPath> {
    const path = new TestPath(target, host);
    await new Promise<void>((resolve) => path.server.listen(0, "127.0.0.1", resolve));
    t.after(() => path.close());
    return path;
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** From now on the connections that there are lose every byte, and nobody is told. */
  swallow(): void {
    for (const { near, far } of this.pairs) this.swallowed.add(near).add(far);
  }

  /** Keeps what comes on the newest connection, until it is let through. */
  hold(): void {
    const pair = this.pairs.at(-1);
    if (pair !== undefined) this.held = { pair, bytes: Buffer.alloc(0) };
  }

  get heldBytes(): number {
    return this.held?.bytes.length ?? 0;
  }

  letThrough(bytes: number): void {
    if (this.held === undefined) return;
    this.held.pair.far.write(this.held.bytes.subarray(0, bytes));
    this.held.bytes = this.held.bytes.subarray(bytes);
  }

  close(): void {
    this.server.close();
    for (const { near, far } of this.pairs) {
      near.destroy();
      far.destroy();
    }
  }

  private relay(near: Socket): void {
    const far = connect({ host: this.host, port: this.target });
    const pair = { near, far };
    this.pairs.push(pair);
    this.join(near, far);
    this.join(far, near);
    near.on("close", () => {
      this.pairs = this.pairs.filter((other) => other !== pair);
    });
  }

  private join(from: Socket, to: Socket): void {
    from.setNoDelay(true);
    from.on("error", () => {});
    from.on("data", (chunk: Buffer) => {
      if (this.swallowed.has(from)) return;
      if (from === this.held?.pair.near) {
        this.held.bytes = Buffer.concat([this.held.bytes, chunk]);
      } else to.write(chunk);
    });
    // An end in a path that swallows everything is not seen on the other side either.
    from.on("close", () => {
      if (!this.swallowed.has(from)) to.destroy();
    });
  }
}

/** Real timers, but for those of some lengths, which run when the test says so. */
export class HeldTimers implements Timers {
  private readonly held: Map<number, Set<() => void>>;

  constructor(heldMs: readonly number[]) {
    this.held = new Map(heldMs.map((ms) => [ms, new Set()]));
  }

  after(delayMs: number, task: () => void): Cancel {
    const tasks = this.held.get(delayMs);
    if (tasks === undefined) {
      const timeout = setTimeout(task, delayMs);
      return () => clearTimeout(timeout);
    }
    tasks.add(task);
    return () => this.held.get(delayMs)?.delete(task);
  }

  /** Timers of one length that wait. */
  waiting(delayMs: number): number {
    return this.held.get(delayMs)?.size ?? 0;
  }

  /** Lets the time of every timer of one length be over that waits now. */
  run(delayMs: number): void {
    const tasks = this.held.get(delayMs) ?? [];
    this.held.set(delayMs, new Set());
    for (const task of tasks) task();
  }
}
