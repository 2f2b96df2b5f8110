/**
 * One replica's log as the algorithm sees it. Terms of all entries are in memory (as runs); bytes
 * only of the newest blocks, the `tail`. Older blocks are read back through `LogReader`.
 *
 *        1 ……………………… applied ……… committed ……………………… lastIndex
 *        |--- on disk, read back ---|------- tail: blocks in memory -------|
 *                                         stable ^          handed ^
 *
 * Invariant: applied <= committed <= lastIndex. Invariant: stable <= handed <= lastIndex.
 * Invariant: every entry above `handed` is in the tail.
 */
import { assert, limits, none } from "../../base/index.ts";
import type { Index, Term } from "../../base/index.ts";
import { lastIndexOf, newBlock, sliceBlock } from "../block.ts";
import type { Block, Checksum } from "../block.ts";
import type { PersistMark } from "../ready.ts";
import { TermRuns } from "./term-runs.ts";
import type { TermRun } from "./term-runs.ts";

/**
 * Reads back what was handed over for storage. The first block starts at `from`; at least one where
 * one exists.
 */
export interface LogReader {
  read(from: Index, bytesMax: number): readonly Block[];
}

/** Memory that a block may keep alive besides its own, in bytes and as a multiple of its own. */
const pinnedBytesMax = 65_536;
const pinnedShareMax = 4;

/** Bytes of all entries in memory, of all replicas that share it. */
export interface TailTotal {
  bytes: number;
}

export interface LogOrigin {
  readonly lastIndex: Index;
  readonly terms: readonly TermRun[];
  readonly committed: Index;
}

/** What a log needs from outside. */
export interface LogEnvironment {
  readonly reader: LogReader;
  readonly checksum: Checksum;
  /** What the memory of this log is added to. @default a total of its own */
  readonly tails?: TailTotal | undefined;
}

export class RaftLog {
  lastIndex: Index;
  /** Known to be on a quorum of disks. Never falls. */
  committed: Index;
  /** Handed to the state machine. Never falls. */
  applied: Index = 0;
  /** Durable on this replica's disk. Falls only where a conflict cuts the log. */
  stable: Index;
  /** Given to the store in a Ready, durable or on its way. */
  handed: Index;
  /** The newest term in which a conflict cut the log. */
  private cutTerm: Term = 0;
  /** Bytes held by the tail. */
  tailBytes = 0;
  readonly terms: TermRuns;
  private readonly reader: LogReader;
  private readonly checksum: Checksum;
  private readonly total: TailTotal;
  private tail: Block[] = [];
  /** How many blocks at the front of the tail were seen to be committed, and their bytes. */
  private committedBlocks = 0;
  private committedBytes = 0;
  /** Blocks that left memory before they were committed, oldest first, and their bytes together. */
  private evictedLasts: Index[] = [];
  private evictedSizes: number[] = [];
  private evictedBytes = 0;
  /** The last index at the last tick, and at the one before. */
  private seenTo: Index = 0;
  private unpinnedTo: Index = 0;

  constructor(origin: LogOrigin, { reader, checksum, tails }: LogEnvironment) {
    this.lastIndex = origin.lastIndex;
    this.committed = origin.committed;
    this.stable = origin.lastIndex;
    this.handed = origin.lastIndex;
    this.terms = new TermRuns(origin.terms);
    this.reader = reader;
    this.checksum = checksum;
    this.total = tails ?? { bytes: 0 };
    assert(this.committed <= this.lastIndex, "committed <= lastIndex");
  }

  get lastTerm(): Term {
    return this.terms.termAt(this.lastIndex);
  }

  /** Whether `nextCommitted` has blocks for the state machine. */
  get canApply(): boolean {
    return this.applied < Math.min(this.committed, this.stable);
  }

  /** The term of an entry, 0 for index 0, undefined where the log does not reach. */
  termAt(index: Index): Term | undefined {
    if (index === 0) return 0;
    return index <= this.lastIndex ? this.terms.termAt(index) : undefined;
  }

  /**
   * Whether a log ending in (lastIndex, lastTerm) is at least as up to date: terms first, then
   * length (thesis §3.6.1).
   */
  isUpToDate(lastIndex: Index, lastTerm: Term): boolean {
    const ours = this.lastTerm;
    return lastTerm > ours || (lastTerm === ours && lastIndex >= this.lastIndex);
  }

  /**
   * Where a follower's and a leader's log may last agree, given that they differ at `index` (thesis
   * §3.5, fast back-off).
   */
  conflictHint(index: Index, term: Term): { index: Index; term: Term } {
    const hint = this.terms.lastAtMost(Math.min(index, this.lastIndex), term, 0);
    return { index: hint, term: this.terms.termAt(hint) };
  }

  /** Appends new blocks at the end. */
  append(block: Block): void {
    assert(block.first === this.lastIndex + 1, "blocks are appended without gaps");
    assert(block.count > 0, "a block has entries");
    this.terms.append(block.first, block.term);
    this.lastIndex = lastIndexOf(block);
    this.tail.push(block);
    this.grow(block.bytes.length);
  }

  private grow(bytes: number): void {
    this.tailBytes += bytes;
    this.total.bytes += bytes;
  }

  /**
   * Drops every entry from `index` on: the leader of `term` has others. They must not be committed.
   */
  truncate(index: Index, term: Term): void {
    assert(index > this.committed, "committed entries never change");
    this.cutTerm = term;
    while (this.tail.length > 0) {
      const block = this.tail[this.tail.length - 1];
      if (block === undefined || lastIndexOf(block) < index) break;
      this.tail.pop();
      this.grow(-block.bytes.length);
      if (block.first < index) {
        const kept = sliceBlock(block, block.first, index, this.checksum);
        this.tail.push(kept);
        this.grow(kept.bytes.length);
        break;
      }
    }
    this.truncateEvicted(index);
    this.seenTo = Math.min(this.seenTo, index - 1);
    this.unpinnedTo = Math.min(this.unpinnedTo, index - 1);
    this.terms.truncate(index);
    this.lastIndex = index - 1;
    this.stable = Math.min(this.stable, index - 1);
    this.handed = Math.min(this.handed, index - 1);
  }

  /** The term of the last entry given to the store. */
  get handedTerm(): Term {
    return this.handed === this.lastIndex ? this.lastTerm : this.terms.termAt(this.handed);
  }

  /** A block that is cut in two counts whole: its bytes are not there to be looked at. */
  private truncateEvicted(index: Index): void {
    const { evictedLasts, evictedSizes } = this;
    while ((evictedLasts.at(-1) ?? 0) >= index) {
      if ((evictedLasts.at(-2) ?? this.committed) < index - 1) {
        evictedLasts[evictedLasts.length - 1] = index - 1;
        return;
      }
      evictedLasts.pop();
      this.evictedBytes -= evictedSizes.pop() ?? 0;
    }
  }

  /** Entries not yet given to the store, until `bytesMax` is passed. */
  takeUnhanded(bytesMax: number): readonly Block[] {
    if (this.handed === this.lastIndex || bytesMax <= 0) return none;
    const blocks = this.tailFrom(this.handed + 1, bytesMax);
    const newest = blocks.at(-1);
    const whole = newest !== undefined && blocks[0]?.first === this.handed + 1;
    assert(whole, "every entry above handed is in the tail");
    this.handed = lastIndexOf(newest);
    return blocks;
  }

  /**
   * The store has made everything up to the mark durable. Ignored where a conflict has replaced
   * that entry since, and also where the same entry came back afterwards: leader A's entry is on
   * its way to the disk, B's replaces it, C, who has A's, replaces B's again. The first write is
   * durable now, the second will undo it, and the third was not even handed over. A term has one
   * leader, and so at most one cut.
   */
  stableTo({ lastIndex, lastTerm, term }: PersistMark): void {
    if (term < this.cutTerm) return;
    if (lastIndex > this.stable && this.termAt(lastIndex) === lastTerm) this.stable = lastIndex;
  }

  /**
   * Blocks from `from` on, the first starting exactly there, until `bytesMax` is passed; as many as
   * one message may hold.
   */
  blocksFrom(from: Index, bytesMax: number): readonly Block[] {
    const blocks = this.collectFrom(from, bytesMax);
    const { messageBlocksMax } = limits;
    return blocks.length <= messageBlocksMax ? blocks : blocks.slice(0, messageBlocksMax);
  }

  private collectFrom(from: Index, bytesMax: number): readonly Block[] {
    if (from > this.lastIndex) return [];
    const tailFirst = this.tail[0]?.first ?? this.lastIndex + 1;
    if (from >= tailFirst) return this.tailFrom(from, bytesMax);
    const blocks: Block[] = [];
    let next = from;
    for (const block of this.reader.read(from, bytesMax)) {
      // The store may still hold a suffix that a conflict has replaced: the tail is the truth from
      // its first entry on.
      if (block.first >= tailFirst) break;
      const end = Math.min(lastIndexOf(block) + 1, tailFirst);
      // What a store mixed up must stop here: sent on, followers would keep it as this leader's.
      assert(block.first === next, "the log has no holes");
      const sameTerm = this.termAt(next) === block.term && this.termAt(end - 1) === block.term;
      assert(sameTerm, "the store returns the entries that it was given");
      blocks.push(sliceBlock(block, next, end, this.checksum));
      next = end;
    }
    assert(next > from, "the log has no holes");
    return blocks;
  }

  /**
   * The next blocks to apply: from above `applied`, up to what is both committed and on this
   * replica's own disk, so that what a replica has shown to readers is still there after a crash.
   */
  nextCommitted(bytesMax: number): readonly Block[] {
    if (!this.canApply) return [];
    const limit = Math.min(this.committed, this.stable);
    const found = this.blocksFrom(this.applied + 1, bytesMax);
    const newest = found.at(-1);
    if (newest !== undefined && lastIndexOf(newest) <= limit) return found;
    const blocks: Block[] = [];
    for (const block of found) {
      if (block.first > limit) break;
      const end = Math.min(lastIndexOf(block), limit) + 1;
      blocks.push(sliceBlock(block, block.first, end, this.checksum));
    }
    return blocks;
  }

  /**
   * Frees memory: blocks up to `needed` that are durable and applied, and beyond that whatever is
   * durable and committed while the tail holds more than `bytesMax`. Uncommitted ones stay: they
   * are what `uncommittedBytes` counts.
   */
  evict(needed: Index, bytesMax: number): void {
    this.countCommitted();
    let count = 0;
    for (const block of this.tail) {
      const last = lastIndexOf(block);
      if (last > this.stable || last > this.committed) break;
      const idle = last <= this.applied && last <= needed;
      if (!idle && this.tailBytes <= bytesMax) break;
      this.grow(-block.bytes.length);
      this.committedBytes -= block.bytes.length;
      count += 1;
    }
    this.committedBlocks -= count;
    if (count > 0) this.tail.splice(0, count);
  }

  /**
   * Frees all memory of what is durable, committed or not: whoever needs it reads it back. For a
   * shard whose replicas together hold too much.
   */
  evictDurable(): void {
    this.countCommitted();
    let count = 0;
    for (const block of this.tail) {
      const last = lastIndexOf(block);
      const { length } = block.bytes;
      if (last > this.stable) break;
      this.grow(-length);
      if (count < this.committedBlocks) this.committedBytes -= length;
      else {
        this.evictedLasts.push(last);
        this.evictedSizes.push(length);
        this.evictedBytes += length;
      }
      count += 1;
    }
    this.committedBlocks = Math.max(0, this.committedBlocks - count);
    if (count > 0) this.tail.splice(0, count);
  }

  /**
   * Once a tick: a block that has been here for one and is a small part of the memory that it lies
   * in, a frame or mail with the blocks of many groups, is copied out of it. Most blocks leave
   * earlier, and are never copied.
   */
  unpin(): void {
    const { tail } = this;
    // From the newest on: a tail that waits for a slow follower is long, and was looked at before.
    for (let at = tail.length - 1; at >= 0; at -= 1) {
      const block = tail[at];
      if (block === undefined || lastIndexOf(block) <= this.unpinnedTo) break;
      if (lastIndexOf(block) > this.seenTo) continue;
      const { bytes } = block;
      const held = bytes.buffer.byteLength;
      if (held > pinnedBytesMax && held > pinnedShareMax * bytes.length) {
        tail[at] = newBlock({ ...block, bytes: new Uint8Array(bytes) });
      }
    }
    this.unpinnedTo = this.seenTo;
    this.seenTo = this.lastIndex;
  }

  /** Frees all memory: the replica has ended, and nothing is asked of this log any more. */
  release(): void {
    this.total.bytes -= this.tailBytes;
    this.tailBytes = 0;
    this.tail = [];
    this.committedBlocks = 0;
    this.committedBytes = 0;
  }

  /** Whether the entry at `index`, and so all later ones, is in memory. */
  holds(index: Index): boolean {
    return index > this.lastIndex || index >= (this.tail[0]?.first ?? this.lastIndex + 1);
  }

  /**
   * Bytes of entries above the commit index, but for those that were on disk when the replica
   * started.
   */
  uncommittedBytes(): number {
    this.countCommitted();
    return this.tailBytes - this.committedBytes + this.evictedBytes;
  }

  /**
   * Each block is passed once: proposals ask while thousands of small blocks wait for a slow
   * quorum.
   */
  private countCommitted(): void {
    let passed = 0;
    for (; (this.evictedLasts[passed] ?? Number.POSITIVE_INFINITY) <= this.committed; passed += 1) {
      this.evictedBytes -= this.evictedSizes[passed] ?? 0;
    }
    if (passed > 0) {
      this.evictedLasts.splice(0, passed);
      this.evictedSizes.splice(0, passed);
    }
    for (; this.committedBlocks < this.tail.length; this.committedBlocks += 1) {
      const block = this.tail[this.committedBlocks];
      if (block === undefined || lastIndexOf(block) > this.committed) return;
      this.committedBytes += block.bytes.length;
    }
  }

  private tailFrom(from: Index, bytesMax: number): Block[] {
    const newest = this.tail.at(-1);
    if (newest?.first === from) return [newest];
    let at = this.tail.length - 1;
    while (at > 0 && (this.tail[at]?.first ?? 0) > from) at -= 1;
    const blocks: Block[] = [];
    let bytes = 0;
    for (; at < this.tail.length; at += 1) {
      const block = this.tail[at];
      if (block === undefined || (blocks.length > 0 && bytes >= bytesMax)) break;
      const part =
        block.first >= from
          ? block
          : sliceBlock(block, from, lastIndexOf(block) + 1, this.checksum);
      blocks.push(part);
      bytes += part.bytes.length;
    }
    return blocks;
  }
}
