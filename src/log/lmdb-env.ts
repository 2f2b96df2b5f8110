/**
 * One LMDB environment: the only file that knows lmdb, and the only one with casts, since its types
 * leave out what we need (`env.sync`, results of `putSync` and `removeSync` within a transaction).
 *
 * Every write is one `transactionSync` on the calling thread. In one process, several threads may
 * have the same environment open, and one at a time writes. When it returns:
 *
 *      strict      pages are flushed (fdatasync), then the meta page (O_DSYNC): two flushes
 *      pipelined   pages are flushed; the meta page is written, and flushed with the next
 *                  commit's pages or by `sync`
 *      none        nothing is flushed
 *
 * lmdb's own default (overlappingSync) promises less than its code happens to do, and a directory
 * written with it cannot be read safely without it: it is switched off in every mode, so all modes
 * share one format.
 */
import { open } from "lmdb";
import type { Database, RootDatabase } from "lmdb";
import { assert } from "../base/index.ts";
import type { RaftError } from "../base/index.ts";
import type { FileReserve, FileUse } from "./file-reserve.ts";
import type { LogEnv, MetaEntry, MetaWrite } from "./log-env.ts";
import type { Durability } from "./log-store.ts";
import { decodeEpoch, encodeEpoch, epochKey } from "./meta-entry.ts";
import type { Sequence } from "./record-format.ts";
import { StoreBound } from "./store-bound.ts";
import { storeTaken } from "./store-failure.ts";

export interface LmdbEnvOptions {
  /** Existing directory of the environment. */
  readonly dir: string;
  readonly durability: Durability;
  /** How far the file may grow. One that is larger when it is opened is mapped as it is. */
  readonly mapBytes: number;
}

type Bytes = Database<Uint8Array, Uint8Array>;

/** What lmdb does and its types do not say. */
interface Untyped {
  readonly env: { sync(): void };
}

interface UntypedStats {
  readonly lastPageNumber: number;
  readonly pageSize: number;
  readonly free: {
    readonly treeBranchPageCount: number;
    readonly treeLeafPageCount: number;
    readonly overflowPages: number;
  };
}

const binary = { encoding: "binary", keyEncoding: "binary" } as const;

/**
 * Codes of lmdb for a file that is damaged or not its own, as opposed to a disk that does not
 * answer.
 */
const corruptCodes: ReadonlySet<unknown> = new Set([-30797, -30796, -30794, -30793]);

const storedEpochKey = epochKey();

/** A meta entry may touch a page of its own and split it. */
const bytesPerMeta = 8_192;

const mapUnitBytes = 1_048_576;

const flushesPerWriteOf = { strict: 2, pipelined: 1, none: 0 } as const;

export class LmdbEnv implements LogEnv {
  readonly flushesPerWrite: number;
  readonly #root: RootDatabase<Uint8Array, Uint8Array>;
  readonly #log: Bytes;
  readonly #meta: Bytes;
  readonly #reserve: FileReserve;
  readonly #dir: string;
  /** The epoch as it is stored while no other environment has claimed the log. */
  #epoch: Uint8Array;
  readonly #bound: StoreBound;
  /** Why no more entries are taken. LMDB's file never shrinks. */
  #full: RaftError | undefined;

  /** The file is there, with room for a transaction. */
  constructor(options: LmdbEnvOptions, reserve: FileReserve) {
    this.#reserve = reserve;
    this.#dir = options.dir;
    const what = `LMDB's file in ${options.dir}`;
    this.#bound = new StoreBound({ option: "mapBytes", bytesMax: options.mapBytes, what });
    this.#bound.begin(reserve.reachAfter(0, Number.POSITIVE_INFINITY, unmeasured));
    this.flushesPerWrite = flushesPerWriteOf[options.durability];
    this.#root = open<Uint8Array, Uint8Array>({
      path: options.dir,
      // Else a directory whose name holds a dot would be taken for a file.
      noSubdir: false,
      overlappingSync: false,
      noMetaSync: options.durability === "pipelined",
      noSync: options.durability === "none",
      noMemInit: true,
      // LMDB would enlarge its map by itself: it must never find it full.
      mapSize: Math.ceil(this.#bound.bytesMax / mapUnitBytes) * mapUnitBytes,
      maxDbs: 4,
      maxReaders: 64,
      ...binary,
    });
    this.#log = this.#root.openDB<Uint8Array, Uint8Array>({ name: "log", ...binary });
    this.#meta = this.#root.openDB<Uint8Array, Uint8Array>({ name: "meta", ...binary });
    this.#epoch = this.#storedEpoch();
  }

  /** Fails if another claims between reading the epoch and writing the next one. */
  claim(metas: readonly MetaWrite[]): void {
    this.#epoch = this.#storedEpoch();
    const epoch = encodeEpoch(this.#epoch.length === 0 ? 1 : decodeEpoch(this.#epoch) + 1);
    this.write([...metas, { key: storedEpochKey, value: epoch }]);
    this.#epoch = epoch;
  }

  get epoch(): Uint8Array {
    return this.#epoch;
  }

  /** Goes on under the claim of another thread's environment. */
  adopt(epoch: Uint8Array): void {
    this.#epoch = epoch;
  }

  /** Room used up by transactions of this environment. */
  get takenBytes(): number {
    return this.#reserve.takenBytes;
  }

  /** Another thread's environment has used up room. */
  takeElsewhere(bytes: number): void {
    this.#reserve.takeElsewhere(bytes);
  }

  /**
   * Another thread writes a transaction; the function that is returned must be called when it has
   * ended, and makes this environment see it.
   */
  writtenElsewhere(metas: readonly MetaWrite[], recordBytes: number): () => void {
    const ended = this.#reserve.beginElsewhere(recordBytes + metaBytes(metas));
    return () => {
      ended();
      this.#root.resetReadTxn();
    };
  }

  full(): RaftError | undefined {
    const { entryBytesMax } = this.#bound;
    this.#full ??= this.#bound.entryRefusal(
      this.#reserve.reachAfter(0, entryBytesMax, () => this.#measure()),
    );
    return this.#full;
  }

  refusal(metas: readonly MetaWrite[], recordBytes: number): RaftError | undefined {
    const bytes = recordBytes + metaBytes(metas);
    const { bytesMax } = this.#bound;
    return this.#bound.refusal(this.#reserve.reachAfter(bytes, bytesMax, () => this.#measure()));
  }

  /** Throws what lmdb throws; ERR_STORE_FAILED, without having begun, where the disk is full. */
  write(metas: readonly MetaWrite[], sequence?: Sequence, record?: Uint8Array): void {
    const bytes = (record?.length ?? 0) + metaBytes(metas);
    this.#reserve.makeRoom(bytes, () => this.#measure());
    // The body has braces: lmdb waits for what a callback returns, and `put` returns a promise that
    // would keep the lock.
    this.#root.transactionSync(() => {
      this.#assertClaimed();
      for (const { key, value } of metas) {
        if (value === undefined) this.#meta.removeSync(key);
        else stored(this.#meta.putSync(key, value));
      }
      if (sequence !== undefined && record !== undefined) {
        stored(this.#log.putSync(sequenceKey(sequence), record, { append: true }));
      }
    });
  }

  /**
   * Throws if another environment has claimed the log. LMDB's lock makes this exact: nobody else
   * can claim before this transaction ends.
   */
  #assertClaimed(): void {
    if (Buffer.compare(this.#storedEpoch(), this.#epoch) !== 0) throw storeTaken(this.#dir);
  }

  /** Without bytes if the log has never been claimed. */
  #storedEpoch(): Uint8Array {
    return this.#meta.get(storedEpochKey) ?? new Uint8Array(0);
  }

  record(sequence: Sequence): Uint8Array | undefined {
    const shared = this.#log.getBinaryFast(sequenceKey(sequence));
    // lmdb shortens its buffer by overwriting `length`, which the buffer's own methods do not see.
    return shared?.subarray(0, shared.length);
  }

  lastSequence(): Sequence {
    for (const key of this.#log.getKeys({ reverse: true, limit: 1 })) {
      if (key.length !== 8) return -1;
      const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
      return Number(view.getBigUint64(0));
    }
    return 0;
  }

  recordCount(): number {
    return (this.#log.getStats() as { entryCount: number }).entryCount;
  }

  metas(): MetaEntry[] {
    return [...this.#meta.getRange()].map(({ key, value }) => ({ key, value }));
  }

  meta(key: Uint8Array): Uint8Array | undefined {
    return this.#meta.get(key);
  }

  /** lmdb's own `sync()` without a callback would only print its failures. */
  sync(): void {
    (this.#root as unknown as Untyped).env.sync();
  }

  async close(): Promise<void> {
    this.#reserve.close();
    await this.#root.close();
  }

  #measure(): FileUse {
    const stats = this.#root.getStats() as unknown as UntypedStats;
    const { lastPageNumber, pageSize, free } = stats;
    const freeListPages = free.treeBranchPageCount + free.treeLeafPageCount + free.overflowPages;
    assert(lastPageNumber >= 1 && freeListPages >= 0, "lmdb tells of its pages");
    return { usedBytes: (lastPageNumber + 1) * pageSize, freeListBytes: freeListPages * pageSize };
  }
}

function metaBytes(metas: readonly MetaWrite[]): number {
  let bytes = 0;
  for (const { value } of metas) bytes += bytesPerMeta + (value?.length ?? 0);
  return bytes;
}

function unmeasured(): FileUse {
  throw new Error("nothing is beyond infinity");
}

/** Whether an error of lmdb says that the file is damaged. */
export function isCorruption(error: unknown): boolean {
  return error instanceof Error && "code" in error && corruptCodes.has(error.code);
}

/**
 * Within a transaction lmdb answers `false` where it did not store, for instance on a key that is
 * not the highest.
 */
function stored(answer: unknown): void {
  if (answer !== true) throw new Error("lmdb refused the key");
}

function sequenceKey(sequence: Sequence): Uint8Array {
  const key = Buffer.allocUnsafe(8);
  key.writeBigUInt64BE(BigInt(sequence));
  return key;
}
