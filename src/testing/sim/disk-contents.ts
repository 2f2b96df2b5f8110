/**
 * What a simulated disk holds: what can be read, and how much of it is really there.
 *
 *      durable ──────────┤ pending: written, not flushed ├──► what can be read
 *                        └ a power cut keeps a first part of them, each whole
 *
 * As in LMDB, transactions are whole, and reach the disk in the order in which they were written.
 * One may be `clean`: a flush failed, and the kernel holds its meta page for written though it is
 * not. It can be read, but no flush writes it; only when a newer transaction is durable, it is too.
 */
import type { Prng } from "../../base/index.ts";
import type { MetaEntry, MetaWrite, Sequence } from "../../log/index.ts";
import { payloadOf, rotten } from "./rot.ts";
import type { RotPlace } from "./rot.ts";
import type { Tally } from "./tally.ts";

/** A disk at one moment, to be put back later. */
export interface DiskImage {
  readonly restore: () => void;
}

/** Numbers transactions, with or without a record, from 1. */
export type TransactionId = number;

interface Transaction {
  readonly id: TransactionId;
  readonly metas: readonly MetaWrite[];
  /** The newest record once it is there. */
  readonly lastSequence: Sequence;
  clean: boolean;
  /** The disk has said that it is durable, and lied. */
  claimed: boolean;
}

export class DiskContents {
  #records: Uint8Array[] = [];
  #metas = new Map<string, MetaEntry>();
  #durableMetas = new Map<string, MetaEntry>();
  #durableThrough: Sequence = 0;
  /** Oldest first. */
  #pending: Transaction[] = [];
  #newest: TransactionId = 0;
  #lied = false;
  #bytes = 0;

  /** The newest record that can be read. */
  get visibleThrough(): Sequence {
    return this.#records.length;
  }

  /** The newest record that no power cut takes away. */
  get durableThrough(): Sequence {
    return this.#durableThrough;
  }

  /** The newest transaction. */
  get newest(): TransactionId {
    return this.#newest;
  }

  /** It has called durable what was not. */
  get lied(): boolean {
    return this.#lied;
  }

  /** Nothing was ever written. */
  get isBlank(): boolean {
    return this.#metas.size === 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  record(sequence: Sequence): Uint8Array | undefined {
    return this.#records[sequence - 1];
  }

  meta(key: Uint8Array): Uint8Array | undefined {
    return this.#metas.get(textOf(key))?.value;
  }

  metas(): MetaEntry[] {
    return [...this.#metas.values()];
  }

  /** A transaction that can be read from now on. The record stays as it is. */
  write(metas: readonly MetaWrite[], record: Uint8Array | undefined): TransactionId {
    if (record !== undefined) {
      this.#records.push(record);
      this.#bytes += record.length;
    }
    applyMetas(this.#metas, metas);
    this.#newest += 1;
    const lastSequence = this.#records.length;
    this.#pending.push({ id: this.#newest, metas, lastSequence, clean: false, claimed: false });
    return this.#newest;
  }

  /** The newest transaction is held for written. Returns whether there is one that is not. */
  markClean(): boolean {
    const last = this.#pending.at(-1);
    if (last !== undefined) last.clean = true;
    return last !== undefined;
  }

  /** Transactions up to this one are flushed. */
  flush(through: TransactionId): void {
    this.#keep(this.#reachable(this.#countThrough(through)));
  }

  /** The disk says so of transactions up to this one. Returns the record that it claims. */
  claim(through: TransactionId): Sequence {
    this.#lied = true;
    let claimed = this.#durableThrough;
    for (const transaction of this.#pending.slice(0, this.#countThrough(through))) {
      transaction.claimed = true;
      claimed = transaction.lastSequence;
    }
    return claimed;
  }

  /** Forgets what is not durable but for a first part of it, drawn. */
  cutPower(prng: Prng, tally: Tally): void {
    const claimed = this.#pending.findLastIndex((transaction) => transaction.claimed) + 1;
    let kept = this.#reachable(prng.between(0, this.#pending.length + 1));
    // A disk that told the truth cannot tear: LMDB writes a meta page when all it leads to is
    // there.
    const newestClaimed = this.#pending[claimed - 1]?.lastSequence ?? 0;
    const tears = newestClaimed > this.#durableThrough && prng.chance(0.5);
    if (tears) kept = Math.max(kept, claimed);
    const dropped = Math.max(0, claimed - kept);
    const lost = this.#pending.length - kept;
    count(tally, "unflushed transaction kept by a power cut", kept);
    count(tally, "unflushed transaction lost by a power cut", lost);
    count(tally, "acknowledged transaction dropped by the disk", dropped);
    this.#keep(kept);
    this.#pending = [];
    this.#records.length = this.#durableThrough;
    this.#metas = new Map(this.#durableMetas);
    this.#countBytes();
    if (tears) this.#tear(newestClaimed, prng, tally);
  }

  /** What is durable. */
  image(): DiskImage {
    const records = this.#records.slice(0, this.#durableThrough);
    const metas = new Map(this.#durableMetas);
    return {
      restore: () => {
        this.#records = [...records];
        this.#durableThrough = records.length;
        this.#metas = new Map(metas);
        this.#durableMetas = new Map(metas);
        this.#pending = [];
        this.#countBytes();
      },
    };
  }

  /** Flips bits of something durable; returns of what, or undefined where there is none such. */
  rot(prng: Prng, place: RotPlace): string | undefined {
    return place === "entry" ? this.#rotEntry(prng) : this.#rotAnything(prng);
  }

  #rotEntry(prng: Prng): string | undefined {
    const places = this.#records.slice(0, this.#durableThrough).flatMap((record, at) => {
      const payload = payloadOf(record);
      return payload.from < payload.to ? [{ at, record, payload }] : [];
    });
    const found = places[prng.between(0, Math.max(1, places.length))];
    if (found === undefined) return undefined;
    this.#records[found.at] = rotten(found.record, found.payload, prng);
    return `an entry in record ${found.at + 1}`;
  }

  /** A record or a meta entry. */
  #rotAnything(prng: Prng): string | undefined {
    const at = prng.between(0, this.#durableThrough + this.#durableMetas.size);
    const record = at < this.#durableThrough ? this.#records[at] : undefined;
    if (record !== undefined) {
      this.#records[at] = flipped(record, prng);
      return `record ${at + 1}`;
    }
    const [key, entry] = [...this.#durableMetas][at - this.#durableThrough] ?? [];
    if (key === undefined || entry === undefined) return undefined;
    const changed = { key: entry.key, value: flipped(entry.value, prng) };
    this.#durableMetas.set(key, changed);
    if (this.#metas.get(key)?.value === entry.value) this.#metas.set(key, changed);
    return `meta entry ${Buffer.from(entry.key).toString("hex")}`;
  }

  #countThrough(through: TransactionId): number {
    const next = this.#pending.findIndex(({ id }) => id > through);
    return next === -1 ? this.#pending.length : next;
  }

  /** Of so many transactions, those that can reach the disk: the last of them is not `clean`. */
  #reachable(transactions: number): number {
    let reached = transactions;
    while (reached > 0 && this.#pending[reached - 1]?.clean === true) reached -= 1;
    return reached;
  }

  /** So many of those pending are durable. */
  #keep(transactions: number): void {
    for (const { metas, lastSequence } of this.#pending.splice(0, transactions)) {
      applyMetas(this.#durableMetas, metas);
      this.#durableThrough = lastSequence;
    }
  }

  /** The newest durable record keeps only a part of its bytes, as on a disk that lied. */
  tear(prng: Prng, tally: Tally): void {
    this.#tear(this.#durableThrough, prng, tally);
  }

  /** A record keeps only a part of its bytes. */
  #tear(sequence: Sequence, prng: Prng, tally: Tally): void {
    const record = this.record(sequence);
    if (record === undefined) return;
    const torn = record.slice();
    torn.fill(0, prng.between(0, record.length));
    // What was cut away may have been zeros; the first bytes never are.
    if (Buffer.compare(torn, record) === 0) torn.fill(0);
    this.#records[sequence - 1] = torn;
    tally.fault("record torn by a power cut");
  }

  #countBytes(): void {
    this.#bytes = this.#records.reduce((sum, record) => sum + record.length, 0);
  }
}

function applyMetas(target: Map<string, MetaEntry>, metas: readonly MetaWrite[]): void {
  for (const { key, value } of metas) {
    if (value === undefined) target.delete(textOf(key));
    else target.set(textOf(key), { key, value });
  }
}

function flipped(bytes: Uint8Array, prng: Prng): Uint8Array {
  return rotten(bytes, { from: 0, to: bytes.length }, prng);
}

function textOf(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

function count(tally: Tally, name: string, times: number): void {
  if (times > 0) tally.fault(name, times);
}
