/**
 * The proposals of one replica, from their arrival to their result:
 *
 *     open ──── a round lays them into one block ────► sealed ──── applied ────► answered
 *
 * `open` holds references into the mail they came in; `sealed` only whom to answer. Both are arrays
 * of numbers, since a proposal must not cost an object.
 */
import type { Index, Term } from "../base/index.ts";
import type { ReplyTo } from "./replies.ts";

/** Below this a view for `set` costs more than copying byte by byte. */
const viewCopyBytesMin = 64;

/**
 * A call of this many bytes becomes a block where it lies, in the mail that it came in, which then
 * lives as long as the block.
 */
const inPlaceBytesMin = 16_384;
/** How many times its own bytes such a block may keep alive. */
const inPlaceShareMax = 32;

/** A call whose entries, in stored form, are `source[start, end)`. */
export interface IncomingProposal {
  readonly replyTo: ReplyTo;
  readonly count: number;
  readonly source: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Whom to answer for the entries of one block. */
export interface SealedBlock {
  readonly first: Index;
  readonly term: Term;
  readonly replyTos: readonly ReplyTo[];
  /** Entries of each call. */
  readonly counts: readonly number[];
}

export class OpenProposals {
  bytes = 0;
  private replyTos: ReplyTo[] = [];
  private counts: number[] = [];
  private sources: Uint8Array[] = [];
  private starts: number[] = [];
  private ends: number[] = [];

  get calls(): number {
    return this.replyTos.length;
  }

  /** Adds a call. Its memory must not change until it is sealed. */
  add({ replyTo, count, source, start, end }: IncomingProposal): void {
    this.bytes += end - start;
    // An array that is pushed to takes room for 17, and a round's only call needs 1.
    if (this.calls === 0) {
      this.replyTos = [replyTo];
      this.counts = [count];
      this.sources = [source];
      this.starts = [start];
      this.ends = [end];
      return;
    }
    this.replyTos.push(replyTo);
    this.counts.push(count);
    this.sources.push(source);
    this.starts.push(start);
    this.ends.push(end);
  }

  /** How many of the oldest calls fit in a block of `bytesMax`; at least one where there is one. */
  callsWithin(bytesMax: number): number {
    if (this.bytes <= bytesMax) return this.calls;
    let bytes = 0;
    let calls = 0;
    for (; calls < this.calls; calls += 1) {
      bytes += (this.ends[calls] ?? 0) - (this.starts[calls] ?? 0);
      if (bytes > bytesMax && calls > 0) break;
    }
    return calls;
  }

  /** The entries of the oldest `calls` calls as one run of bytes. */
  lay(
    calls: number,
    allocate: (bytes: number) => Uint8Array,
  ): { bytes: Uint8Array; count: number } {
    let size = 0;
    let count = 0;
    for (let call = 0; call < calls; call += 1) {
      size += (this.ends[call] ?? 0) - (this.starts[call] ?? 0);
      count += this.counts[call] ?? 0;
    }
    const [first] = this.sources;
    if (calls === 1 && first !== undefined && mayStay(first, size)) {
      const [start = 0] = this.starts;
      return { bytes: first.subarray(start, start + size), count };
    }
    const bytes = allocate(size);
    let at = 0;
    for (let call = 0; call < calls; call += 1) {
      const source = this.sources[call];
      const start = this.starts[call] ?? 0;
      const end = this.ends[call] ?? 0;
      if (source === undefined) break;
      if (end - start < viewCopyBytesMin) {
        for (let from = start; from < end; from += 1, at += 1) bytes[at] = source[from] ?? 0;
      } else {
        bytes.set(source.subarray(start, end), at);
        at += end - start;
      }
    }
    return { bytes, count };
  }

  /** Removes the oldest `calls` calls and returns whom to answer for them. */
  take(calls: number): Pick<SealedBlock, "replyTos" | "counts"> {
    if (calls === this.calls) {
      const { replyTos, counts } = this;
      this.clear();
      return { replyTos, counts };
    }
    for (let call = 0; call < calls; call += 1) {
      this.bytes -= (this.ends[call] ?? 0) - (this.starts[call] ?? 0);
    }
    this.sources.splice(0, calls);
    this.starts.splice(0, calls);
    this.ends.splice(0, calls);
    return { replyTos: this.replyTos.splice(0, calls), counts: this.counts.splice(0, calls) };
  }

  private clear(): void {
    this.bytes = 0;
    this.replyTos = [];
    this.counts = [];
    this.sources = [];
    this.starts = [];
    this.ends = [];
  }
}

function mayStay({ buffer }: Uint8Array, size: number): boolean {
  return size >= inPlaceBytesMin && size * inPlaceShareMax >= buffer.byteLength;
}
