/**
 * The proposals of one replica, from their arrival to their result:
 *
 *     open ──── a round lays them into one block ────► sealed ──── applied ────► answered
 *
 * `open` holds references into the mail they came in; `sealed` only whom to answer. Both are arrays
 * of numbers, since a proposal must not cost an object.
 */
import { none } from "../base/index.ts";
import type { Index, Term } from "../base/index.ts";
import type { ReplyTo } from "./replies.ts";

/** Below this a view for `set` costs more than copying byte by byte. */
const viewCopyBytesMin = 64;

/**
 * A call of this many bytes becomes a block where it lies, in the mail that it came in, which then
 * lives as long as the block.
 */
const inPlaceBytesMin = 4_096;
/** How many times its own bytes such a block may keep alive. */
const inPlaceShareMax = 64;

/** A call whose entries, in stored form, are `source[start, end)`. */
export interface IncomingProposal {
  readonly replyTo: ReplyTo;
  readonly count: number;
  readonly source: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Who knows until when a call may have an effect. */
export interface CallEnds {
  isOver(replyTo: ReplyTo, nowMs: number): boolean;
}

/** Whom to answer for the entries of one block. */
export interface SealedBlock {
  readonly first: Index;
  readonly term: Term;
  readonly replyTos: readonly ReplyTo[];
  /** Entries of each call. */
  readonly counts: readonly number[];
}

/** Calls side by side, oldest first. */
interface Waiting {
  readonly replyTos: ReplyTo[];
  readonly counts: number[];
  readonly sources: Uint8Array[];
  readonly starts: number[];
  readonly ends: number[];
}

/** Shared by all replicas where nothing waits; never added to. */
const nothing: Waiting = { replyTos: [], counts: [], sources: [], starts: [], ends: [] };

export class OpenProposals {
  bytes = 0;
  private waiting: Waiting = nothing;

  get calls(): number {
    return this.waiting.replyTos.length;
  }

  /** Adds a call. Its memory must not change until it is sealed. */
  add({ replyTo, count, source, start, end }: IncomingProposal): void {
    this.bytes += end - start;
    const { waiting } = this;
    if (waiting === nothing) {
      // An array that is pushed to takes room for 17, and a round's only call needs 1.
      this.waiting = {
        replyTos: [replyTo],
        counts: [count],
        sources: [source],
        starts: [start],
        ends: [end],
      };
      return;
    }
    waiting.replyTos.push(replyTo);
    waiting.counts.push(count);
    waiting.sources.push(source);
    waiting.starts.push(start);
    waiting.ends.push(end);
  }

  /**
   * Takes out the calls that are over; they have had no effect. Nearly always there are none, which
   * costs a look at each.
   */
  takeOver(replies: CallEnds, nowMs: number): readonly ReplyTo[] {
    const { replyTos } = this.waiting;
    let at = 0;
    while (at < replyTos.length && !replies.isOver(replyTos[at] ?? 0, nowMs)) at += 1;
    if (at === replyTos.length) return none;
    const { waiting } = this;
    const over: ReplyTo[] = [];
    this.waiting = nothing;
    this.bytes = 0;
    for (const [call, replyTo] of waiting.replyTos.entries()) {
      const source = waiting.sources[call];
      if (replies.isOver(replyTo, nowMs) || source === undefined) over.push(replyTo);
      else {
        const start = waiting.starts[call] ?? 0;
        const end = waiting.ends[call] ?? 0;
        this.add({ replyTo, count: waiting.counts[call] ?? 0, source, start, end });
      }
    }
    return over;
  }

  /** How many of the oldest calls fit in a block of `bytesMax`; at least one where there is one. */
  callsWithin(bytesMax: number): number {
    if (this.bytes <= bytesMax) return this.calls;
    const { starts, ends } = this.waiting;
    let bytes = 0;
    let calls = 0;
    for (; calls < this.calls; calls += 1) {
      bytes += (ends[calls] ?? 0) - (starts[calls] ?? 0);
      if (bytes > bytesMax && calls > 0) break;
    }
    return calls;
  }

  /** The entries of the oldest `calls` calls as one run of bytes. */
  lay(
    calls: number,
    allocate: (bytes: number) => Uint8Array,
  ): { bytes: Uint8Array; count: number } {
    const { sources, starts, ends, counts } = this.waiting;
    let size = 0;
    let count = 0;
    for (let call = 0; call < calls; call += 1) {
      size += (ends[call] ?? 0) - (starts[call] ?? 0);
      count += counts[call] ?? 0;
    }
    const [first] = sources;
    if (calls === 1 && first !== undefined && mayStay(first, size)) {
      const [start = 0] = starts;
      return { bytes: first.subarray(start, start + size), count };
    }
    const bytes = allocate(size);
    let at = 0;
    for (let call = 0; call < calls; call += 1) {
      const source = sources[call];
      const start = starts[call] ?? 0;
      const end = ends[call] ?? 0;
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
    const { replyTos, counts, sources, starts, ends } = this.waiting;
    if (calls === this.calls) {
      this.bytes = 0;
      this.waiting = nothing;
      return { replyTos, counts };
    }
    for (let call = 0; call < calls; call += 1) {
      this.bytes -= (ends[call] ?? 0) - (starts[call] ?? 0);
    }
    sources.splice(0, calls);
    starts.splice(0, calls);
    ends.splice(0, calls);
    return { replyTos: replyTos.splice(0, calls), counts: counts.splice(0, calls) };
  }
}

function mayStay({ buffer }: Uint8Array, size: number): boolean {
  return size >= inPlaceBytesMin && size * inPlaceShareMax >= buffer.byteLength;
}
