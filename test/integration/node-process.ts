/** A node in a process of its own, as a test sees it: calls, acknowledgements, events, signals. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { errorFromWire } from "../../src/base/index.ts";
import type {
  Ack,
  CallMessage,
  NodeAnswers,
  NodeCall,
  NodeMessage,
  NodeSettings,
} from "./fixtures/node-protocol.ts";

const program = new URL("./fixtures/node-main.js", import.meta.url).pathname;
const openMs = 60_000;
const callMs = 60_000;

/**
 * Each call's function takes its own kind of value, and the protocol says which: a method's
 * parameters are compared in both directions, so its type can say so without a cast.
 */
interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export interface StartOptions {
  readonly settings: NodeSettings;
  readonly onAcks: (acks: readonly Ack[]) => void;
  /** Stands before `node` on the command line: a tracer and its arguments. */
  readonly under?: readonly string[];
}

export class NodeProcess {
  readonly node: string;
  /** Where its peers reach it. */
  readonly address: Promise<string>;
  /** Settles when the process is gone. */
  readonly ended: Promise<void>;
  /** What the engine told without being asked, as "event detail". */
  readonly events: string[] = [];
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private readonly onAcks: (acks: readonly Ack[]) => void;
  private nextId = 1;
  /** The process of the engine, which under a tracer is not the one that was started. */
  private pid: number | undefined;
  private gone = false;
  private opened: Waiting = { resolve: () => {}, reject: () => {} };

  constructor({ settings, onAcks, under = [] }: StartOptions) {
    this.node = settings.node;
    this.onAcks = onAcks;
    const [tracer, ...tracerArguments] = under;
    const own = [program, JSON.stringify(settings)];
    const traced = [...tracerArguments, process.execPath, ...own];
    this.child = spawn(tracer ?? process.execPath, tracer === undefined ? own : traced, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.child.on("message", (message: NodeMessage) => this.take(message));
    this.ended = new Promise((resolve) => {
      this.child.once("close", () => {
        this.gone = true;
        resolve();
      });
      this.child.once("error", () => resolve());
    });
    this.address = deadline(
      `${this.node} opens`,
      openMs,
      this.settling<string>((waiting) => {
        this.opened = waiting;
      }),
    );
    // Whoever starts a node awaits its address; a node killed before that must not be a stray
    // rejection.
    this.address.catch(() => {});
    void this.ended.then(() => {
      const error = new Error(`node ${this.node} has ended`);
      this.opened.reject(error);
      for (const waiting of this.waiting.values()) waiting.reject(error);
      this.waiting.clear();
    });
  }

  get running(): boolean {
    return !this.gone;
  }

  /** Asks the node's process; rejects with the error of the engine, and where the process ends. */
  call<K extends NodeCall["kind"]>(call: Extract<NodeCall, { kind: K }>): Promise<NodeAnswers[K]> {
    const id = this.nextId;
    this.nextId += 1;
    const answer = this.settling<NodeAnswers[K]>((waiting) => {
      if (this.gone) waiting.reject(new Error(`node ${this.node} has ended`));
      else this.waiting.set(id, waiting);
    });
    const message: CallMessage = { id, call };
    this.child.send(message, (error) => {
      if (error !== null) this.waiting.get(id)?.reject(error);
    });
    return deadline(`${this.node} answers ${call.kind}`, callMs, answer);
  }

  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    if (this.gone) return;
    if (this.pid === undefined) this.child.kill(signal);
    else process.kill(this.pid, signal);
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }

  /** Closes the engine; the process then ends by itself. */
  async close(): Promise<void> {
    await this.call({ kind: "close" });
    await deadline(`${this.node} ends`, callMs, this.ended);
  }

  /** A promise whose value comes from the other process: what it holds is the protocol's word. */
  private settling<T>(take: (waiting: Waiting) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => take({ resolve, reject }));
  }

  private take(message: NodeMessage): void {
    switch (message.kind) {
      case "born":
        this.pid = message.pid;
        return;
      case "opened":
        this.opened.resolve(message.address);
        return;
      case "openFailed":
        this.opened.reject(errorFromWire(message.error));
        return;
      case "acks":
        this.onAcks(message.acks);
        return;
      case "event":
        this.events.push(`${message.event} ${message.detail}`);
        return;
      default: {
        const waiting = this.waiting.get(message.id);
        this.waiting.delete(message.id);
        if (message.kind === "answer") waiting?.resolve(message.value);
        else waiting?.reject(errorFromWire(message.error));
      }
    }
  }
}

/** Fails with the name of what was waited for. */
export async function deadline<T>(what: string, ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again until the answer is something. */
export async function until<T>(
  what: string,
  ms: number,
  check: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const startedMs = performance.now();
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    if (performance.now() - startedMs > ms) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
