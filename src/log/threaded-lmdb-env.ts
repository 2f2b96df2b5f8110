/**
 * LMDB with a thread beside the shard's, which writes once the disk has stalled (see OwnCommits):
 * then the shard goes on while a flush takes its time. Reading is the shard's own.
 *
 *      shard    ─► write N ─► goes on ──────────────► N is durable
 *      thread              └► room, transaction, flush ┘
 *
 * The shard never waits for LMDB's lock: it writes only while the thread has nothing to write.
 */
import type { RaftError } from "../base/index.ts";
import type { LmdbEnv } from "./lmdb-env.ts";
import type { LmdbThread, LmdbThreadOptions } from "./lmdb-thread.ts";
import type { LogEnv, MetaEntry, MetaWrite } from "./log-env.ts";
import { OwnCommits } from "./own-commits.ts";
import type { Sequence } from "./record-format.ts";

export interface LmdbWork {
  readonly thread: LmdbThread;
  /** Milliseconds since some moment; never goes back. */
  readonly nowMs: () => number;
  /** A write that takes longer is a stall. @default 250 */
  readonly stallMs?: number | undefined;
  /** How long the disk has stalled before: the thread then writes from the beginning. @default 0 */
  readonly stalledMs?: number | undefined;
}

/** Transactions that may be in flight: the next one begins when the thread has ended the last. */
export const threadWritesMax = 2;

export class ThreadedLmdbEnv implements LogEnv {
  readonly flushesPerWrite: number;
  readonly #own: LmdbEnv;
  readonly #work: LmdbWork;
  readonly #options: LmdbThreadOptions;
  readonly #ownCommits: OwnCommits;
  /** From the first stall on: whether the thread has the log open. */
  #opening: Promise<boolean> | undefined;
  #isOpen = false;
  /** Transactions and flushes that the thread has not ended. */
  #inFlight = 0;
  /** Records among them: LMDB has them later. */
  readonly #records = new Map<Sequence, Uint8Array>();
  /** Of the shard's own transactions, as the thread knows it. */
  #takenBytesTold = 0;

  constructor(own: LmdbEnv, work: LmdbWork, options: LmdbThreadOptions) {
    this.flushesPerWrite = own.flushesPerWrite;
    this.#own = own;
    this.#work = work;
    this.#ownCommits = new OwnCommits(work.stallMs);
    this.#options = options;
  }

  claim(metas: readonly MetaWrite[]): void | Promise<void> {
    this.#own.claim(metas);
    this.#took(this.#work.stalledMs ?? 0);
    return this.#opening?.then(() => {});
  }

  write(
    metas: readonly MetaWrite[],
    sequence?: Sequence,
    record?: Uint8Array,
  ): void | Promise<void> {
    const begunMs = this.#work.nowMs();
    if (this.#isThreads) return this.#writeOnThread({ metas, sequence, record, begunMs });
    this.#own.write(metas, sequence, record);
    this.#took(this.#work.nowMs() - begunMs);
  }

  sync(): void | Promise<void> {
    if (this.#isThreads) return this.#onThread(this.#work.thread.sync());
    const begunMs = this.#work.nowMs();
    this.#own.sync();
    this.#took(this.#work.nowMs() - begunMs);
  }

  /** Whether what is to be written now is the thread's. */
  get #isThreads(): boolean {
    return this.#inFlight > 0 || (this.#isOpen && !this.#ownCommits.trusted);
  }

  #took(ms: number): void {
    this.#ownCommits.took(ms);
    if (!this.#ownCommits.trusted) this.#opening ??= this.#openThread();
  }

  /** Until it has opened the log, and where it cannot, the shard writes. */
  async #openThread(): Promise<boolean> {
    try {
      await this.#work.thread.open(this.#options, this.#own.epoch);
      this.#isOpen = true;
    } catch {
      // The log is as sound as it was.
    }
    return this.#isOpen;
  }

  async #writeOnThread(transaction: {
    readonly metas: readonly MetaWrite[];
    readonly sequence: Sequence | undefined;
    readonly record: Uint8Array | undefined;
    readonly begunMs: number;
  }): Promise<void> {
    const { thread } = this.#work;
    const { metas, sequence, begunMs } = transaction;
    const record = transaction.record && thread.share(transaction.record);
    if (sequence !== undefined && record !== undefined) this.#records.set(sequence, record);
    const takenBytes = this.#own.takenBytes - this.#takenBytesTold;
    this.#takenBytesTold = this.#own.takenBytes;
    const ended = this.#own.writtenElsewhere(metas, record?.length ?? 0);
    await this.#onThread(thread.write({ metas, sequence, record, takenBytes }));
    ended();
    if (sequence !== undefined) this.#records.delete(sequence);
    if (record !== undefined) thread.free(record);
    this.#took(this.#work.nowMs() - begunMs);
  }

  /** Where it fails, the thread stays in use for good: nothing may be written behind a failure. */
  async #onThread(call: Promise<void>): Promise<void> {
    this.#inFlight += 1;
    await call;
    this.#inFlight -= 1;
  }

  full(): RaftError | undefined {
    return this.#own.full();
  }

  refusal(metas: readonly MetaWrite[], recordBytes: number): RaftError | undefined {
    return this.#own.refusal(metas, recordBytes);
  }

  record(sequence: Sequence): Uint8Array | undefined {
    const unwritten = this.#records.get(sequence);
    return unwritten === undefined ? this.#own.record(sequence) : unwritten.slice();
  }

  lastSequence(): Sequence {
    return this.#own.lastSequence();
  }

  recordCount(): number {
    return this.#own.recordCount();
  }

  metas(): MetaEntry[] {
    return this.#own.metas();
  }

  meta(key: Uint8Array): Uint8Array | undefined {
    return this.#own.meta(key);
  }

  async close(): Promise<void> {
    // A thread that has ended has closed its own.
    if (await this.#opening) await Promise.allSettled([this.#work.thread.close()]);
    await this.#own.close();
  }
}
