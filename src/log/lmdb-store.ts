/**
 * LmdbStore: the log of one shard in an LMDB environment. One commit is one transaction: the record
 * under the next sequence number, and the descriptors that the batch writes or deletes. LMDB works
 * on the calling thread; what is asynchronous here is only when a commit counts as durable:
 *
 *      strict      commit N: write, flush, flush ─► resolves
 *      pipelined   commit N: write, flush ─► waits ─┬─ commit N+1: write, flush ─► N resolves
 *                                                   └─ idle turn: flush ─► N resolves
 *      none        commit N: write ─► resolves         (survives a kill, not a power cut)
 *
 * Why pipelined is safe: LMDB commits by writing one of two meta pages in turn. Commit N has
 * flushed its pages but only written its meta page, so a power cut may bring back the state of N-1,
 * whole, since N+1 reuses none of its pages. The flush of N+1 (or of the idle turn) covers the meta
 * page of N: from then on N stays.
 *
 * An error while writing kills the store. After a failed flush the kernel may report as clean pages
 * that never reached the disk, so trying again could succeed without the data being there.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { RaftError, assert } from "../base/index.ts";
import type { GroupId, Index } from "../base/index.ts";
import type { Block } from "../raft/index.ts";
import { FileReserve } from "./file-reserve.ts";
import { dataFile, ensureStore } from "./lmdb-directory.ts";
import { LmdbEnv, isCorruption } from "./lmdb-env.ts";
import type { LmdbEnvOptions, MetaWrite } from "./lmdb-env.ts";
import { checkLmdbFile } from "./lmdb-file-check.ts";
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
  metaFormat,
} from "./meta-entry.ts";
import { readBlocks } from "./read-blocks.ts";
import { RecordArena } from "./record-arena.ts";
import { corruptRecord, decodeRecord } from "./record.ts";
import type { Sequence } from "./record.ts";
import { storeFailure, storeNotOpen } from "./store-failure.ts";

export interface LmdbStoreOptions {
  /** Directory of this store alone; created where it is missing. */
  readonly dir: string;
  readonly identity: StoreIdentity;
  readonly durability: Durability;
  /**
   * Address space for the file, which grows as needed up to it. Costs no memory and no disk.
   * @default 64 GiB
   */
  readonly mapBytes?: number | undefined;
  /**
   * Size to which a new file is grown in advance, since commits into a growing file take up to
   * twice as long. @default 16 MiB
   */
  readonly preallocateBytes?: number | undefined;
}

const mapBytesDefault = 64 * 2 ** 30;
const preallocateBytesDefault = 16_777_216;
/**
 * Memory for records just written, and for old records read: enough for some rounds, or one large
 * record.
 */
const arenaBytes = 4_194_304;
/** Bytes of log that `open` reads between two turns of the event loop. */
const scanBytesMax = 4_194_304;
/** Flushes of one commit. */
const flushesOf = { strict: 2, pipelined: 1, none: 0 } as const;

type State = "new" | "opening" | "open" | "closed";

/** A written commit whose meta page is not flushed yet. */
interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: RaftError) => void;
}

export class LmdbStore implements LogStore {
  readonly durability: Durability;
  readonly commitsInFlightMax: number;
  readonly #options: LmdbStoreOptions;
  readonly #dataPath: string;
  readonly #logState = new LogState();
  readonly #written = new RecordArena(arenaBytes);
  readonly #fetched = new RecordArena(arenaBytes);
  readonly #reserve: FileReserve;
  #env: LmdbEnv | undefined;
  #state: State = "new";
  /** Why the store is dead. Once set it stays. */
  #failure: RaftError | undefined;
  /** Pipelined only: the newest commit. Invariant: at most one commit waits. */
  #waiting: Waiting | undefined;
  #idleCheck: NodeJS.Immediate | undefined;
  #closing: Promise<void> | undefined;
  #commits = 0;
  #flushes = 0;
  #bytesWritten = 0;

  constructor(options: LmdbStoreOptions) {
    this.#options = options;
    this.durability = options.durability;
    this.commitsInFlightMax = options.durability === "pipelined" ? 2 : 1;
    this.#dataPath = join(options.dir, dataFile);
    const preallocateBytes = options.preallocateBytes ?? preallocateBytesDefault;
    this.#reserve = new FileReserve(this.#dataPath, preallocateBytes);
  }

  async open(): Promise<readonly RecoveredGroup[]> {
    assert(this.#state === "new", "a store is opened once");
    this.#state = "opening";
    try {
      await this.#openEnv();
      this.#assertOpening();
      this.#state = "open";
      return this.#logState.recovered();
    } catch (error) {
      await this.close();
      if (error instanceof RaftError) throw error;
      const { dir } = this.#options;
      if (isCorruption(error)) throw corruptMeta(`${dir} is not a sound LMDB directory`, error);
      throw storeFailure(`open the log in ${dir}`, error);
    }
  }

  commit(batch: CommitBatch): Promise<void> {
    const refusal = this.#refusal("commit");
    if (refusal !== undefined) return Promise.reject(refusal);
    let prepared: PreparedBatch;
    try {
      prepared = this.#logState.prepare(batch);
    } catch (fault) {
      return Promise.reject(fault);
    }
    try {
      this.#write(prepared);
    } catch (error) {
      return Promise.reject(this.#die(`write record ${prepared.sequence}`, error));
    }
    if (this.durability !== "pipelined") return Promise.resolve();
    // This commit has flushed the meta page of the one before.
    this.#settle();
    return this.#wait();
  }

  read(group: GroupId, from: Index, bytesMax: number): readonly Block[] {
    if (this.#state !== "open") throw storeNotOpen("read", this.#state);
    const index = this.#logState.indexOf(group);
    if (index === undefined) return [];
    return readBlocks(index, from, bytesMax, (sequence) => this.#fetch(sequence));
  }

  position(group: GroupId, index: Index): number {
    return this.#logState.indexOf(group)?.sequenceAt(index) ?? 0;
  }

  stats(): StoreStats {
    const stat = statSync(this.#dataPath, { throwIfNoEntry: false });
    return {
      commits: this.#commits,
      flushes: this.#flushes,
      bytesWritten: this.#bytesWritten,
      bytesStored: stat?.size ?? 0,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #openEnv(): Promise<void> {
    const { dir, identity, durability } = this.#options;
    const mapBytes = this.#options.mapBytes ?? mapBytesDefault;
    const options: LmdbEnvOptions = { dir, durability, mapBytes };
    const preallocateBytes = this.#options.preallocateBytes ?? preallocateBytesDefault;
    await ensureStore(options, identity, preallocateBytes);
    this.#assertOpening();
    checkLmdbFile(this.#dataPath, mapBytes);
    const env = new LmdbEnv(options);
    this.#env = env;
    const stored = env.meta(identityKey());
    if (stored === undefined) throw corruptMeta("it holds no identity, though it was in use");
    checkIdentity(stored, identity);
    for (const { key, value } of env.metas()) {
      if (key[0] !== metaFormat.identityKey) this.#logState.adopt(decodeDescriptor(key, value));
    }
    await this.#scan(env);
    // A killed process may have left its last commit in the page cache only. What this open
    // reports, the shard will vouch for to others, so it must be on disk before.
    if (durability !== "none") this.#flush(env);
  }

  async #scan(env: LmdbEnv): Promise<void> {
    const last = env.lastSequence();
    const count = env.recordCount();
    let bytes = 0;
    for (let sequence = 1; sequence <= last; sequence += 1) {
      const record = env.record(sequence);
      if (record === undefined) throw corruptRecord(sequence, `is missing: ${last} is the last`);
      this.#logState.replay(sequence, decodeRecord(record, sequence));
      bytes += record.length + 1_024;
      if (bytes < scanBytesMax) continue;
      bytes = 0;
      await nextTurn();
      this.#assertOpening();
    }
    if (count !== last) throw corruptMeta(`${count} records are stored and ${last} is the last`);
    this.#logState.checkComplete();
  }

  /** The store may be closed while `open` waits. */
  #assertOpening(): void {
    if (this.#state !== "opening") throw storeNotOpen("open", this.#state);
  }

  #write(batch: PreparedBatch): void {
    const env = this.#env;
    assert(env !== undefined, "an open store has its environment");
    const { sequence, plan, removed, metas } = batch;
    const record = this.#written.reserve(sequence, plan.bytes);
    encodePrepared(record, batch);
    const writes: MetaWrite[] = [];
    for (const group of removed) writes.push({ key: descriptorKey(group), value: undefined });
    for (const meta of metas) {
      writes.push({ key: descriptorKey(meta.descriptor.group), value: encodeDescriptor(meta) });
    }
    env.write(writes, sequence, record);
    this.#logState.complete(batch);
    this.#commits += 1;
    this.#flushes += flushesOf[this.durability];
    this.#bytesWritten += plan.bytes;
    this.#reserve.keepAhead(plan.bytes, () => env.usedBytes());
  }

  #fetch(sequence: Sequence): Uint8Array {
    const kept = this.#written.get(sequence) ?? this.#fetched.get(sequence);
    if (kept !== undefined) return kept;
    let record: Uint8Array | undefined;
    try {
      record = this.#env?.record(sequence);
    } catch (error) {
      throw storeFailure(`read record ${sequence}`, error);
    }
    if (record === undefined) throw corruptRecord(sequence, "is missing");
    if (record.length <= arenaBytes) this.#fetched.reserve(sequence, record.length).set(record);
    return record;
  }

  /** The promise of the newest commit, and the check that no commit has to come to resolve it. */
  #wait(): Promise<void> {
    if (this.#idleCheck !== undefined) clearImmediate(this.#idleCheck);
    // Two turns: the first ends when what was queued with this commit has run, the second when
    // input that had arrived by then has been handled. A shard that is busy has made its next
    // commit by then, and no flush is wasted.
    this.#idleCheck = setImmediate(() => {
      this.#idleCheck = setImmediate(() => this.#flushIdle());
    });
    assert(this.#waiting === undefined, "at most one commit waits");
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #flushIdle(): void {
    this.#idleCheck = undefined;
    if (this.#waiting === undefined || this.#env === undefined) return;
    try {
      this.#flush(this.#env);
    } catch (error) {
      this.#die("flush the log", error);
      return;
    }
    this.#settle();
  }

  #flush(env: LmdbEnv): void {
    env.sync();
    this.#flushes += 1;
  }

  /** The commit that waits is durable. */
  #settle(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  #die(action: string, cause: unknown): RaftError {
    const failure = storeFailure(`${action} of ${this.#options.dir}`, cause);
    this.#failure = failure;
    this.#waiting?.reject(failure);
    this.#waiting = undefined;
    return failure;
  }

  #refusal(action: string): RaftError | undefined {
    if (this.#failure !== undefined) return this.#failure;
    return this.#state === "open" ? undefined : storeNotOpen(action, this.#state);
  }

  async #close(): Promise<void> {
    this.#state = "closed";
    if (this.#idleCheck !== undefined) clearImmediate(this.#idleCheck);
    this.#flushIdle();
    const env = this.#env;
    this.#env = undefined;
    await env?.close();
  }
}
