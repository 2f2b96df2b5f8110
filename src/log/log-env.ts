/**
 * LogEnv: the place in which a RecordStore keeps its records and meta entries, as it needs it: LMDB
 * or segment files on a real disk, a MemoryDisk, or the disk of a simulator. Used by one store
 * alone: a later one may take the log, as when the lock of its directory was lost, and then this
 * one can no longer write.
 *
 * What has been written can be read at once. When it survives a loss of power depends on the
 * durability with which the environment was opened:
 *
 *      strict      when `write` returns, or the promise that it returns resolves, its transaction
 *                  is durable
 *      pipelined   when `write` returns, every transaction before it is durable; its own is so once
 *                  the next `write` or a `sync` has returned, and until then there whole or not at
 *                  all
 *      none        never; what was written survives the end of the process
 *
 * Transactions become durable in the order in which they were written, and promises resolve in that
 * order. This holds for what this environment has written. What an earlier process wrote and nobody
 * vouched for may be visible and yet be lost to a power cut, also after `sync`: only a newer
 * transaction that is durable makes it so. RecordStore writes one when it opens.
 */
import type { RaftError } from "../base/index.ts";
import type { Sequence } from "./record-format.ts";

/** A value to store beside the log, or, without a value, to delete. */
export interface MetaWrite {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

export interface MetaEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface LogEnv {
  /** Device flushes in one `write`, for the store's counters. */
  readonly flushesPerWrite: number;

  /** Why the log should take no more entries; undefined while it takes them. */
  full?(): RaftError | undefined;

  /** Why a transaction must not begin, though the place is sound: it would go beyond a bound. */
  refusal?(metas: readonly MetaWrite[], recordBytes: number): RaftError | undefined;

  /**
   * Writes meta entries, and the record under the next sequence number, in one transaction. The
   * record's memory may be used for something else once this has returned; the entries' may not.
   * Where it throws or rejects, nobody knows whether the transaction is there, now or after a
   * crash: the environment must not be written to again, and rejects all that is in flight behind
   * it.
   */
  write(
    metas: readonly MetaWrite[],
    sequence?: Sequence,
    record?: Uint8Array,
  ): void | Promise<void>;

  /**
   * Takes the log for this environment, in a transaction that writes these entries. From then on no
   * environment that had taken it before can write: its `write` throws or rejects, with nothing of
   * this one's overwritten. Called once, before any other `write` and before records are read.
   */
  claim(metas: readonly MetaWrite[]): void | Promise<void>;

  /** A record's bytes, in memory that the next call of this method may overwrite. */
  record(sequence: Sequence): Uint8Array | undefined;

  /**
   * The highest sequence among the records, 0 where there is none, -1 where a key is not a
   * sequence.
   */
  lastSequence(): Sequence;

  recordCount(): number;

  /** Memory that tells where records lie; 0 if the environment needs none. */
  readonly placesBytes?: number | undefined;

  metas(): MetaEntry[];

  meta(key: Uint8Array): Uint8Array | undefined;

  /**
   * Flushes all that this environment has written. Where it throws, as with `write`. Used where
   * commits are `pipelined`. A promise tells of what had been written when this was called.
   */
  sync(): void | Promise<void>;

  close(): Promise<void>;
}
