/**
 * LMDB's transactions on a thread of its own, in the environment that the shard has open too: in
 * one process they share it. What the thread has committed the shard reads by itself.
 *
 * The handle is the thread's own: that of a worker is closed when the worker crashes, while its
 * last transaction waits here for the disk.
 */
import { join } from "node:path";
import { asError, assert } from "../base/index.ts";
import { FileReserve } from "./file-reserve.ts";
import { LmdbEnv } from "./lmdb-env.ts";
import type { LmdbEnvOptions } from "./lmdb-env.ts";
import type { MetaWrite } from "./log-env.ts";
import type { Sequence } from "./record-format.ts";
import { dataFile } from "./store-form.ts";
import { ThreadCalls, serveCalls } from "./thread-calls.ts";
import type { LogPort } from "./thread-calls.ts";

export interface LmdbThreadOptions extends LmdbEnvOptions {
  readonly preallocateBytes: number;
}

/** A transaction, as `LogEnv.write` has it. */
export interface LmdbWrite {
  readonly metas: readonly MetaWrite[];
  readonly sequence?: Sequence | undefined;
  /** In shared memory. */
  readonly record?: Uint8Array | undefined;
  /** Room in the file that the shard's own transactions have used up since the last of these. */
  readonly takenBytes: number;
}

type LmdbCall =
  | { readonly kind: "open"; readonly options: LmdbThreadOptions; readonly epoch: Uint8Array }
  | { readonly kind: "write"; readonly write: LmdbWrite }
  | { readonly kind: "start" | "sync" | "close" };

/** Memory for records that is used again. */
const keptBytesMax = 2_097_152;

/** The shard's end. */
export class LmdbThread {
  readonly #calls: ThreadCalls<LmdbCall>;

  constructor(port: LogPort) {
    this.#calls = new ThreadCalls(port);
  }

  /**
   * Starts the thread, if it is not there yet, and opens the log on it.
   * @param epoch the shard's claim: with any other in the log, no transaction begins
   */
  async open(options: LmdbThreadOptions, epoch: Uint8Array): Promise<void> {
    // Whoever starts it has the port until then, and answers this.
    await this.#calls.call({ kind: "start" });
    await this.#calls.call({ kind: "open", options, epoch });
  }

  /** A record's copy for `write`; hand it back to `free`. */
  share(record: Uint8Array): Uint8Array {
    return this.#calls.share(record);
  }

  free(record: Uint8Array): void {
    this.#calls.free(record);
  }

  /** Once one has failed, all behind it do, though the disk may work again. */
  async write(write: LmdbWrite): Promise<void> {
    await this.#calls.call({ kind: "write", write });
  }

  async sync(): Promise<void> {
    await this.#calls.call({ kind: "sync" });
  }

  /** After all that was asked before. */
  async close(): Promise<void> {
    await this.#calls.call({ kind: "close" });
  }
}

/** The thread's end: does what it is told until the port is closed. */
export function serveLmdbWork(port: LogPort): void {
  const writer = new LmdbWriter();
  serveCalls(
    port,
    (call: LmdbCall) => writer.perform(call),
    () => writer.close(),
  );
}

class LmdbWriter {
  #env: LmdbEnv | undefined;
  #failure: Error | undefined;
  #memory: Uint8Array = new Uint8Array(0);

  perform(call: LmdbCall): number {
    switch (call.kind) {
      case "open":
        this.#open(call.options, call.epoch);
        return 0;
      case "write":
        this.#attempt((env) => this.#write(env, call.write));
        return 0;
      case "sync":
        this.#attempt((env) => env.sync());
        return 0;
      case "start":
        return 0;
      default:
        this.close();
        return 0;
    }
  }

  close(): void {
    void this.#env?.close();
    this.#env = undefined;
  }

  #open(options: LmdbThreadOptions, epoch: Uint8Array): void {
    const { dir, mapBytes, preallocateBytes } = options;
    const reserve = new FileReserve(join(dir, dataFile), preallocateBytes, mapBytes);
    this.#env = new LmdbEnv(options, reserve);
    this.#env.adopt(epoch);
  }

  /**
   * What is in flight behind a failure must not succeed: the flush of the next transaction would
   * not write pages that the failed one has left, since the kernel may hold them for written.
   */
  #attempt(run: (env: LmdbEnv) => void): void {
    if (this.#failure !== undefined) throw this.#failure;
    assert(this.#env !== undefined, "the thread has opened the log");
    try {
      run(this.#env);
    } catch (error) {
      this.#failure = asError(error);
      throw this.#failure;
    }
  }

  #write(env: LmdbEnv, { metas, sequence, record, takenBytes }: LmdbWrite): void {
    env.takeElsewhere(takenBytes);
    env.write(metas, sequence, record && this.#ownMemory(record));
  }

  /** lmdb crashes on bytes in shared memory. */
  #ownMemory(shared: Uint8Array): Uint8Array {
    const bytes = shared.length;
    if (bytes > keptBytesMax) return new Uint8Array(shared);
    if (this.#memory.length < bytes) this.#memory = new Uint8Array(bytes);
    this.#memory.set(shared);
    return this.#memory.subarray(0, bytes);
  }
}
