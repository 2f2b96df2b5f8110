/**
 * RecordStore: the log of one shard as records and meta entries in a LogEnv. One commit is one
 * transaction: the record under the next sequence number, and the descriptors that the batch writes
 * or deletes. The environment writes on the calling thread, or says by a promise when it has
 * written. A commit counts as durable:
 *
 *      strict      commit N: write, flush, flush ─► resolves
 *      pipelined   commit N: write, flush ─► waits ─┬─ commit N+1: write, flush ─► N resolves
 *                                                   └─ idle turn: flush ─► N resolves
 *      none        commit N: write ─► resolves         (survives a kill, not a power cut)
 *
 * Everything that decides what is recovered and what is refused is here, over any environment, so
 * that a simulated disk tests what runs on the real one. It knows of no files and of no timers.
 *
 * An error while writing kills the store. After a failed flush the kernel may report as clean pages
 * that never reached the disk, so trying again could succeed without the data being there.
 */
import { RaftError, assert } from "../base/index.ts";
import type { GroupId, Index } from "../base/index.ts";
import type { Block } from "../raft/index.ts";
import { FetchedRecords } from "./fetched-records.ts";
import type { LogEnv, MetaWrite } from "./log-env.ts";
import { LogState, encodePrepared } from "./log-state.ts";
import type { PreparedBatch } from "./log-state.ts";
import type {
  CommitBatch,
  Durability,
  LogStore,
  RecoveredGroup,
  StoreIdentity,
  StoreStats,
} from "./log-store.ts";
import {
  checkIdentity,
  corruptMeta,
  decodeDescriptor,
  descriptorKey,
  encodeDescriptor,
  identityKey,
  isDescriptorKey,
} from "./meta-entry.ts";
import { readBlocks } from "./read-blocks.ts";
import { RecordArena } from "./record-arena.ts";
import { corruptRecord } from "./record-format.ts";
import type { Sequence } from "./record-format.ts";
import { StoreBound } from "./store-bound.ts";
import { storeFailure, storeNotOpen } from "./store-failure.ts";

/** Runs a task after the events that are waiting now; returns how to call it off. */
export type Soon = (task: () => void) => () => void;

export interface RecordStoreOptions {
  /** What messages call the place: its directory, for instance. */
  readonly name: string;
  readonly durability: Durability;
  /**
   * Whom the place must belong to, as the identity in it says. Undefined where it holds none and
   * its transactions are durable as such, as in memory.
   */
  readonly identity: StoreIdentity | undefined;
  /**
   * Gives the environment, with its identity in it if the place is new. What it throws that is no
   * RaftError becomes ERR_STORE_FAILED.
   */
  readonly openEnv: () => Promise<LogEnv>;
  readonly soon: Soon;
  /** How many writes the environment takes at once. @default 2 where pipelined, else 1 */
  readonly commitsInFlightMax?: number | undefined;
  /** Of `StoreStats.bytesStored`. */
  readonly bytesStored: () => number;
  /** Bounds `StoreStats.indexBytes`. @default 2 GiB */
  readonly indexBytesMax?: number | undefined;
  /** The error to throw where one of the environment's means that the place is damaged. */
  readonly damageOf?: ((error: unknown) => RaftError | undefined) | undefined;
  /**
   * Memory for records just written; old records that are read have four times as much. 0 where the
   * environment has them in memory anyway. @default 4 MiB
   */
  readonly arenaBytes?: number | undefined;
}

const arenaBytesDefault = 4_194_304;
/** Large rounds make records of some MiB, and groups follow the log at two places at once. */
const fetchedPerWritten = 4;
const indexBytesMaxDefault = 2 ** 31;
/** Bytes of log that `open` reads between two turns of the event loop. */
const scanBytesMax = 4_194_304;

type State = "new" | "opening" | "open" | "closed";

/** A pipelined commit that is not durable yet. */
interface Waiting {
  readonly sequence: Sequence;
  readonly resolve: () => void;
  readonly reject: (error: RaftError) => void;
}

export class RecordStore implements LogStore {
  readonly durability: Durability;
  readonly commitsInFlightMax: number;
  readonly #options: RecordStoreOptions;
  readonly #logState = new LogState();
  readonly #indexBound: StoreBound;
  readonly #written: RecordArena;
  readonly #fetched: FetchedRecords;
  #env: LogEnv | undefined;
  #state: State = "new";
  /** Settles when the environment is open, or failed to. */
  #envOpening: Promise<void> | undefined;
  /** Why the store is dead. Once set it stays. */
  #failure: RaftError | undefined;
  /** Pipelined only, oldest first: those that are being written, and the newest that is written. */
  readonly #waiting: Waiting[] = [];
  /** Asynchronous writes that have not been told of. */
  #writesInFlight = 0;
  /** Ends when the newest of them has been told of, well or not. */
  #lastWrite: Promise<void> | undefined;
  #cancelIdleCheck: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #commits = 0;
  #flushes = 0;
  #bytesWritten = 0;

  constructor(options: RecordStoreOptions) {
    this.#options = options;
    this.durability = options.durability;
    const pipelined = options.durability === "pipelined";
    this.commitsInFlightMax = options.commitsInFlightMax ?? (pipelined ? 2 : 1);
    const arenaBytes = options.arenaBytes ?? arenaBytesDefault;
    const bytesMax = options.indexBytesMax ?? indexBytesMaxDefault;
    const what = "the index in memory";
    this.#indexBound = new StoreBound({ option: "indexBytesMax", bytesMax, what });
    this.#written = new RecordArena(arenaBytes);
    this.#fetched = new FetchedRecords(arenaBytes * fetchedPerWritten);
  }

  async open(): Promise<readonly RecoveredGroup[]> {
    assert(this.#state === "new", "a store is opened once");
    this.#state = "opening";
    try {
      this.#envOpening = this.#openEnv();
      await this.#envOpening;
      this.#assertOpening();
      await this.#recover();
      this.#assertOpening();
      this.#state = "open";
      return this.#logState.recovered();
    } catch (error) {
      await this.close();
      if (error instanceof RaftError) throw error;
      const damage = this.#options.damageOf?.(error);
      throw damage ?? storeFailure(`open the log in ${this.#options.name}`, error);
    }
  }

  commit(batch: CommitBatch): Promise<void> {
    const refusal = this.#refusal("commit");
    if (refusal !== undefined) return this.#refuse(refusal);
    let prepared: PreparedBatch;
    try {
      prepared = this.#logState.prepare(batch);
    } catch (fault) {
      return Promise.reject(fault);
    }
    const metas = metaWrites(prepared);
    const full = this.#boundRefusal(prepared, metas);
    if (full !== undefined) return Promise.reject(full);
    const { sequence } = prepared;
    const fail = (error: unknown): never => {
      throw this.#die(`write record ${sequence}`, error);
    };
    let written: Promise<void> | undefined;
    try {
      written = this.#write(prepared, metas)?.catch(fail);
    } catch (error) {
      return Promise.reject(this.#die(`write record ${sequence}`, error));
    }
    if (written !== undefined) this.#noteInFlight(written);
    // Written at once, and yet told after those before it.
    else if (this.#writesInFlight > 0) written = this.#lastWrite;
    if (this.durability !== "pipelined") return written ?? Promise.resolve();
    return this.#wait(sequence, written);
  }

  /** Told after the failure of those before it. */
  #refuse(refusal: RaftError): Promise<void> {
    const before = this.#writesInFlight > 0 ? this.#lastWrite : undefined;
    return (before ?? Promise.resolve()).then(() => {
      throw refusal;
    });
  }

  #noteInFlight(written: Promise<void>): void {
    this.#writesInFlight += 1;
    const end = (): void => {
      this.#writesInFlight -= 1;
    };
    this.#lastWrite = written.then(end, end);
  }

  full(): RaftError | undefined {
    return this.#indexBound.entryRefusal(this.#indexBytes) ?? this.#env?.full?.();
  }

  read(group: GroupId, from: Index, bytesMax: number): readonly Block[] {
    if (this.#state !== "open") throw storeNotOpen("read", this.#state);
    const index = this.#logState.indexOf(group);
    if (index === undefined) return [];
    const limits = { bytes: bytesMax, records: this.#fetched.span };
    return readBlocks(index, from, limits, (sequence) => this.#fetch(sequence));
  }

  readSpan(): number {
    return this.#fetched.span;
  }

  position(group: GroupId, index: Index): number {
    return this.#logState.indexOf(group)?.sequenceAt(index) ?? 0;
  }

  stats(): StoreStats {
    return {
      commits: this.#commits,
      flushes: this.#flushes,
      bytesWritten: this.#bytesWritten,
      bytesStored: this.#options.bytesStored(),
      indexBytes: this.#indexBytes,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #openEnv(): Promise<void> {
    this.#env = await this.#options.openEnv();
  }

  async #recover(): Promise<void> {
    const env = this.#openedEnv();
    const storedIdentity = this.#checkedIdentity(env);
    // Nothing that another process writes is missed: after this it cannot.
    await this.#claim(env, storedIdentity);
    this.#assertOpening();
    for (const { key, value } of env.metas()) {
      if (isDescriptorKey(key)) this.#logState.adopt(decodeDescriptor(key, value));
    }
    await this.#scan(env);
    this.#indexBound.begin(this.#indexBytes);
  }

  /** The identity as it is stored; undefined where the place holds none by design. */
  #checkedIdentity(env: LogEnv): Uint8Array | undefined {
    const { identity } = this.#options;
    if (identity === undefined) return undefined;
    const stored = env.meta(identityKey());
    if (stored === undefined) throw corruptMeta("it holds no identity, though it was in use");
    checkIdentity(stored, identity);
    return stored;
  }

  async #scan(env: LogEnv): Promise<void> {
    const last = env.lastSequence();
    const count = env.recordCount();
    let bytes = 0;
    for (let sequence = 1; sequence <= last; sequence += 1) {
      const record = env.record(sequence);
      if (record === undefined) throw corruptRecord(sequence, `is missing: ${last} is the last`);
      this.#logState.replay(sequence, record);
      bytes += record.length + 1_024;
      if (bytes < scanBytesMax) continue;
      bytes = 0;
      await new Promise<void>((resolve) => this.#options.soon(resolve));
      this.#assertOpening();
    }
    if (count !== last) throw corruptMeta(`${count} records are stored and ${last} is the last`);
    this.#logState.checkComplete();
  }

  /**
   * Takes the log for this store, and makes durable what is in it: the shard will vouch for it to
   * others.
   *
   * Flushing is not enough. A process wrote commit N, its flush failed, and the process ended
   * without acknowledging N. The kernel has reported the error once and marked the pages clean,
   * LMDB's meta page of N among them: here N is visible, from memory, and `sync` finds nothing to
   * write and succeeds. The replica tells its leader of N, power fails, and N is gone although a
   * majority was counted with it. A transaction of our own is a newer state that holds N: its meta
   * page is dirty, so its flush writes it or fails. Only N's meta page can be missing on disk: the
   * pages it leads to had been flushed before it was written, or it would not be visible.
   */
  async #claim(env: LogEnv, storedIdentity: Uint8Array | undefined): Promise<void> {
    const isStored = storedIdentity !== undefined;
    await env.claim(isStored ? [{ key: identityKey(), value: storedIdentity }] : []);
    this.#flushes += env.flushesPerWrite;
    if (this.durability === "pipelined") await this.#flush(env);
  }

  /** The store may be closed while `open` waits. */
  #assertOpening(): void {
    if (this.#state !== "opening") throw storeNotOpen("open", this.#state);
  }

  #openedEnv(): LogEnv {
    assert(this.#env !== undefined, "an open store has its environment");
    return this.#env;
  }

  get #indexBytes(): number {
    return this.#logState.indexBytes + (this.#env?.placesBytes ?? 0);
  }

  /** Nothing has happened yet: a commit that is refused here has no effect, and the store lives. */
  #boundRefusal(batch: PreparedBatch, metas: readonly MetaWrite[]): RaftError | undefined {
    const indexBytes = this.#indexBytes + batch.indexBytes;
    return this.#indexBound.refusal(indexBytes) ?? this.#env?.refusal?.(metas, batch.plan.bytes);
  }

  #write(batch: PreparedBatch, metas: readonly MetaWrite[]): Promise<void> | undefined {
    const env = this.#openedEnv();
    const { sequence, plan } = batch;
    const record = this.#written.reserve(sequence, plan.bytes);
    encodePrepared(record, batch);
    const written = env.write(metas, sequence, record);
    this.#logState.complete(batch);
    this.#commits += 1;
    this.#flushes += env.flushesPerWrite;
    this.#bytesWritten += plan.bytes;
    return written ?? undefined;
  }

  #fetch(sequence: Sequence): Uint8Array {
    const kept = this.#written.get(sequence) ?? this.#fetched.get(sequence);
    if (kept !== undefined) return kept;
    let record: Uint8Array | undefined;
    try {
      record = this.#env?.record(sequence);
    } catch (error) {
      throw failureOf(`read record ${sequence}`, error);
    }
    if (record === undefined) throw corruptRecord(sequence, "is missing");
    this.#fetched.keep(sequence, record);
    return record;
  }

  /** The promise of the newest commit, which the next one resolves, or an idle turn. */
  #wait(sequence: Sequence, written: Promise<void> | undefined): Promise<void> {
    this.#cancelIdleCheck?.();
    this.#cancelIdleCheck = undefined;
    const durable = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ sequence, resolve, reject });
    });
    if (written === undefined) this.#onWritten(sequence);
    // What failed has been told to all that wait.
    else written.then(() => this.#onWritten(sequence)).catch(() => {});
    return durable;
  }

  /** This commit's flush has made those before durable, and it waits for the next one. */
  #onWritten(sequence: Sequence): void {
    this.#settle(sequence - 1);
    if (this.#waiting.at(-1)?.sequence !== sequence) return;
    // Two turns: the first ends when what was queued with this commit has run, the second when
    // input that had arrived by then has been handled. A shard that is busy has made its next
    // commit by then, and no flush is wasted.
    const { soon } = this.#options;
    this.#cancelIdleCheck = soon(() => {
      this.#cancelIdleCheck = soon(() => void this.#flushIdle());
    });
  }

  /** Nothing is being written. Returns when the newest commit is durable, or the store dead. */
  #flushIdle(): void | Promise<void> {
    this.#cancelIdleCheck = undefined;
    const newest = this.#waiting.at(-1);
    if (newest === undefined || this.#env === undefined) return;
    const fail = (error: unknown): void => void this.#die("flush the log", error);
    try {
      const flushed = this.#flush(this.#env);
      if (flushed !== undefined) return flushed.then(() => this.#settle(newest.sequence), fail);
    } catch (error) {
      fail(error);
      return;
    }
    this.#settle(newest.sequence);
  }

  #flush(env: LogEnv): Promise<void> | undefined {
    this.#flushes += 1;
    return env.sync() ?? undefined;
  }

  /** Every commit up to this one is durable. */
  #settle(through: Sequence): void {
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined || first.sequence > through) return;
      this.#waiting.shift();
      first.resolve();
    }
  }

  #die(action: string, cause: unknown): RaftError {
    const failure = failureOf(`${action} of ${this.#options.name}`, cause);
    this.#failure = failure;
    for (const { reject } of this.#waiting.splice(0)) reject(failure);
    return failure;
  }

  #refusal(action: string): RaftError | undefined {
    if (this.#failure !== undefined) return this.#failure;
    return this.#state === "open" ? undefined : storeNotOpen(action, this.#state);
  }

  async #close(): Promise<void> {
    this.#state = "closed";
    this.#cancelIdleCheck?.();
    if (this.#lastWrite !== undefined) {
      await this.#lastWrite;
      // What it resolved may have begun to wait for an idle turn.
      this.#cancelIdleCheck?.();
    }
    await this.#flushIdle();
    // Where it is being opened at this moment, it must not stay open behind our back.
    await Promise.allSettled([this.#envOpening]);
    const env = this.#env;
    this.#env = undefined;
    await env?.close();
  }
}

function metaWrites({ removed, metas }: PreparedBatch): readonly MetaWrite[] {
  const writes: MetaWrite[] = [];
  for (const group of removed) writes.push({ key: descriptorKey(group), value: undefined });
  for (const meta of metas) {
    writes.push({ key: descriptorKey(meta.descriptor.group), value: encodeDescriptor(meta) });
  }
  return writes;
}

/** An environment that knows what its failure means says so itself. */
function failureOf(action: string, cause: unknown): RaftError {
  return cause instanceof RaftError ? cause : storeFailure(action, cause);
}
