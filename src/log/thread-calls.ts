/**
 * Calls of a shard to the thread that writes its log: the two ends of the port between them. The
 * thread does one call after another, and answers in their order.
 *
 * It ends by itself once its port is closed, after the calls that were in the port: whoever takes
 * the log next waits for that.
 */
import type { MessagePort } from "node:worker_threads";
import { RaftError, errorFromWire, errorToWire } from "../base/index.ts";
import type { WireError } from "../base/index.ts";

export type LogPort = MessagePort;

type Fault =
  | { readonly raft: WireError }
  | { readonly message: string; readonly code: string | number | undefined };

/** What came of a call, a number that the call gives its meaning, or why it failed. */
type Answer = number | Fault;

interface Waiting {
  readonly resolve: (answer: number) => void;
  readonly reject: (error: Error) => void;
}

/** Shared memory that is used again. */
const keptBytesMax = 2_097_152;

/** The shard's end. */
export class ThreadCalls<Call> {
  readonly #port: LogPort;
  /** Calls that are not answered, oldest first. */
  readonly #waiting: Waiting[] = [];
  readonly #memory: SharedArrayBuffer[] = [];
  #ended: Error | undefined;

  constructor(port: LogPort) {
    this.#port = port;
    port.on("message", (answer: Answer) => this.#take(answer));
    port.on("close", () => this.#end());
  }

  call(call: Call): Promise<number> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#port.postMessage(call);
    });
  }

  /** A copy in shared memory, so that nothing is copied on the way; hand it back to `free`. */
  share(bytes: Uint8Array): Uint8Array {
    const kept = this.#memory.pop();
    const fits = kept !== undefined && kept.byteLength >= bytes.length;
    const memory = fits ? kept : new SharedArrayBuffer(bytes.length);
    const shared = new Uint8Array(memory, 0, bytes.length);
    shared.set(bytes);
    return shared;
  }

  free({ buffer }: Uint8Array): void {
    if (buffer instanceof SharedArrayBuffer && buffer.byteLength <= keptBytesMax) {
      this.#memory.push(buffer);
    }
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.shift();
    if (typeof answer === "number") waiting?.resolve(answer);
    else waiting?.reject(errorOf(answer));
  }

  /** Whether a call that was not answered has been done, nobody knows. */
  #end(): void {
    this.#ended ??= new Error("the thread that writes the log has ended");
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}

/** The thread's end: does what it is told until the port is closed, then runs `end`. */
export function serveCalls<Call>(
  port: LogPort,
  perform: (call: Call) => number,
  end: () => void = () => {},
): void {
  port.on("message", (call: Call) => port.postMessage(answerTo(call, perform)));
  port.on("close", end);
}

function answerTo<Call>(call: Call, perform: (call: Call) => number): Answer {
  try {
    return perform(call);
  } catch (error) {
    if (error instanceof RaftError) return { raft: errorToWire(error) };
    if (!(error instanceof Error)) return { message: String(error), code: undefined };
    const code = "code" in error ? error.code : undefined;
    const isPlain = typeof code === "string" || typeof code === "number";
    return { message: error.message, code: isPlain ? code : undefined };
  }
}

function errorOf(fault: Fault): Error {
  if ("raft" in fault) return errorFromWire(fault.raft);
  return Object.assign(new Error(fault.message), { code: fault.code });
}
