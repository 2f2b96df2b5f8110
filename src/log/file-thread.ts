/**
 * FileWork on a thread of its own.
 *
 * The thread opens its descriptors itself: those of a worker are closed when the worker crashes,
 * and the numbers given to other files, while its last writes wait here.
 */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { noBytesTaken } from "./file-work.ts";
import type { FileWork } from "./file-work.ts";
import { ThreadCalls, serveCalls } from "./thread-calls.ts";
import type { LogPort } from "./thread-calls.ts";

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

/** The shard's end. */
export class ThreadWork implements FileWork {
  readonly #calls: ThreadCalls<FileCall>;

  constructor(port: LogPort) {
    this.#calls = new ThreadCalls(port);
  }

  open(path: string, flags: string | number, mode?: number): Promise<number> {
    return this.#calls.call({ kind: "open", path, flags, mode });
  }

  async write(fd: number, bytes: Uint8Array, at: number): Promise<void> {
    const shared = this.#calls.share(bytes);
    await this.#calls.call({ kind: "write", fd, bytes: shared, at });
    this.#calls.free(shared);
  }

  async flush(fd: number): Promise<void> {
    await this.#calls.call({ kind: "flush", fd });
  }

  async close(fd: number): Promise<void> {
    await this.#calls.call({ kind: "close", fd });
  }
}

/** The thread's end: does what it is told until the port is closed. */
export function serveFileWork(port: LogPort): void {
  serveCalls(port, perform);
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
