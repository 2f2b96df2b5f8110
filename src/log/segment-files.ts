/**
 * SegmentFiles: the files in which a SegmentEnv keeps its log, as it needs them: a directory on a
 * real disk, or the disk of a simulator.
 */
import type { SegmentNumber } from "./segment-format.ts";

/**
 * How many writes may be in flight at once in one file, each in a lane of its own. The system tells
 * each descriptor of a failed flush once, whichever call sees it first: of two writes through the
 * same one, the failure of both could be told to the later alone, and the earlier be taken for
 * durable.
 */
export const writeLanes = 2;

/** A number below `writeLanes`. */
export type WriteLane = number;

/** A segment that is open for reading. */
export interface SegmentReader {
  readonly segment: SegmentNumber;
  /** Size; it never changes. */
  readonly bytes: number;

  /** Fills the target, which lies within the file. */
  read(target: Uint8Array, at: number): void;

  close(): void;
}

/** A segment that is open for writing, with all that its writes need: none of them opens a file. */
export interface SegmentFile {
  readonly segment: SegmentNumber;
  /** Size; it never changes. */
  readonly bytes: number;

  /**
   * Resolves when the bytes are durable; they can be read from some moment before. They must stay
   * as they are until then. Where it rejects, nobody knows what is there. It never throws.
   */
  write(bytes: Uint8Array, at: number, lane: WriteLane): Promise<void>;

  /** No write may be in flight. */
  close(): void;
}

export interface SegmentFiles {
  /** Size of all segments together. */
  readonly bytesStored: number;

  /**
   * The segments that there are, ascending. What is left of one that was not made is deleted.
   * Afterwards all these names are durable.
   */
  list(): SegmentNumber[];

  /**
   * Takes the files for this opener: all earlier ones lose them. Returns whether the one before had
   * released them; else it may still write to what it has open.
   */
  claim(): boolean;

  /** Whether no other opener has taken the files since `claim`. */
  isOwner(): boolean;

  /** Says that this opener will write no more. */
  release(): void;

  open(segment: SegmentNumber): SegmentFile;

  openReader(segment: SegmentNumber): SegmentReader;

  /**
   * Makes a file that holds `head` and then zeros, in the place of an older one of this number.
   * When it resolves, it is durable with its name; until then it is there whole, or not at all.
   * While descriptors or memory are used up, it may wait for them for as long as it is wanted.
   * @default isWanted: it is not
   */
  make(
    segment: SegmentNumber,
    bytes: number,
    head: Uint8Array,
    isWanted?: () => boolean,
  ): Promise<SegmentFile>;

  /**
   * Puts a copy in the place of a segment: its first `kept` bytes, then zeros. When it resolves,
   * the copy is durable. What an earlier opener writes goes to the file that it has open, which has
   * no name any more.
   */
  renew(segment: SegmentNumber, kept: number): Promise<void>;

  /** After all that was opened has been closed. */
  close(): void;
}
