/**
 * FileWork on a thread of its own: the two ends of the port between a shard and that thread. The
 * thread does one call after another, and answers in their order.
 *
 * The thread opens its descriptors itself: those of a worker are closed when the worker crashes,
 * and the numbers given to other files, while its last writes wait here. It ends by itself once its
 * port is closed, after the calls that were in the port: whoever takes the log next waits for that.
 */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import type { MessagePort } from "node:worker_threads";
import { noBytesTaken } from "./file-work.ts";
import type { FileWork } from "./file-work.ts";

/** Bytes are in shared memory: nothing is copied on the way. */
type FileCall =
  | {
      readonly kind: "open";
      readonly path: string;
      readonly flags: string | number;
      readonly mode: number | undefined;
    }
  | {
      readonly kind: "write";
      readonly fd: number;
      readonly bytes: Uint8Array;
      readonly at: number;
    }
  | { readonly kind: "flush" | "close"; readonly fd: number };

interface FileFault {
  readonly message: string;
  readonly code: string | undefined;
}

/** The descriptor that was opened, 0 for other calls, or what the system said. */
type FileAnswer = number | FileFault;

interface Waiting {
  readonly resolve: (fd: number) => void;
  readonly reject: (error: Error) => void;
}

/** Memory for writes that is used again. */
const keptBytesMax = 2_097_152;

/** The shard's end. */
export class ThreadWork implements FileWork {
  readonly #port: MessagePort;
  /** Calls that are not answered, oldest first. */
  readonly #waiting: Waiting[] = [];
  readonly #memory: SharedArrayBuffer[] = [];
  #ended: Error | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on("message", (answer: FileAnswer) => this.#take(answer));
    port.on("close", () => this.#end());
  }

  open(path: string, flags: string | number, mode?: number): Promise<number> {
    return this.#call({ kind: "open", path, flags, mode });
  }

  async write(fd: number, bytes: Uint8Array, at: number): Promise<void> {
    const memory = this.#takeMemory(bytes.length);
    const shared = new Uint8Array(memory, 0, bytes.length);
    shared.set(bytes);
    await this.#call({ kind: "write", fd, bytes: shared, at });
    if (memory.byteLength <= keptBytesMax) this.#memory.push(memory);
  }

  async flush(fd: number): Promise<void> {
    await this.#call({ kind: "flush", fd });
  }

  async close(fd: number): Promise<void> {
    await this.#call({ kind: "close", fd });
  }

  #call(call: FileCall): Promise<number> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#port.postMessage(call);
    });
  }

  #take(answer: FileAnswer): void {
    const waiting = this.#waiting.shift();
    if (typeof answer === "number") waiting?.resolve(answer);
    else waiting?.reject(Object.assign(new Error(answer.message), { code: answer.code }));
  }

  /** Whether a call that was not answered has been done, nobody knows. */
  #end(): void {
    this.#ended ??= new Error("the thread that writes the log has ended");
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }

  #takeMemory(bytes: number): SharedArrayBuffer {
    const kept = this.#memory.pop();
    return kept !== undefined && kept.byteLength >= bytes ? kept : new SharedArrayBuffer(bytes);
  }
}

/** The thread's end: does what it is told until the port is closed. */
export function serveFileWork(port: MessagePort): void {
  port.on("message", (call: FileCall) => port.postMessage(answerTo(call)));
}

function answerTo(call: FileCall): FileAnswer {
  try {
    return perform(call);
  } catch (error) {
    if (!(error instanceof Error)) return { message: String(error), code: undefined };
    const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
    return { message: error.message, code };
  }
}

function perform(call: FileCall): number {
  switch (call.kind) {
    case "open":
      return openSync(call.path, call.flags, call.mode);
    case "write":
      writeWhole(call.fd, call.bytes, call.at);
      return 0;
    case "flush":
      fsyncSync(call.fd);
      return 0;
    default:
      closeSync(call.fd);
      return 0;
  }
}

/** A write may take less than it was given; the next one says why. */
function writeWhole(fd: number, bytes: Uint8Array, from: number): void {
  for (let done = 0; done < bytes.length; ) {
    const count = writeSync(fd, bytes, done, bytes.length - done, from + done);
    if (count === 0) throw new Error(noBytesTaken);
    done += count;
  }
}
