/**
 * Writes frames to segments, one behind the other, each once and over zeros.
 *
 *      segment n                                segment n + 1, made in advance
 *      │ frame │ frame │ … │ last frame │       │ frame │ on its way │ on its way │ zeros │
 *                                                       └ durable in any order, told in this one
 *
 * The files do the work on other threads: the caller continues, and as many frames are in flight as
 * there are lanes. A segment is left with a frame of its own that says so, so that a file that is
 * lost is missed.
 *
 * Where an earlier process has left something behind the end of the log, such as a part of a torn
 * frame, its segment is left at once: a frame is written over zeros that were flushed, or not at
 * all.
 */
import { assert } from "../base/index.ts";
import { storeFailure, storeTaken } from "./store-failure.ts";
import { writeLanes } from "./segment-files.ts";
import type { SegmentFile, SegmentFiles, WriteLane } from "./segment-files.ts";
import {
  emptyContent,
  encodeFrameHead,
  encodeSegmentHeader,
  frameBytes,
  layFrame,
  segmentFormat,
} from "./segment-format.ts";
import type { FrameContent, FrameNumber } from "./segment-format.ts";
import type { LogPlace, RecoveredLog } from "./segment-recovery.ts";

const { blockBytes, flagLast } = segmentFormat;

/** A frame from `append` until it is durable. */
interface Waiting {
  readonly content: FrameContent;
  readonly frame: Uint8Array;
  /** Undefined as long as there is no room. */
  place: LogPlace | undefined;
  number: FrameNumber;
  durable: boolean;
  readonly resolve: (place: LogPlace) => void;
  readonly reject: (error: Error) => void;
}

export class SegmentWriter {
  readonly #files: SegmentFiles;
  readonly #segmentBytes: number;
  readonly #log: RecoveredLog;
  /** The segment that frames go to, and where the next one begins. */
  #current: SegmentFile;
  #at: number;
  /** Nothing but the frame by which it is left may go to the current segment. */
  #mustLeave: boolean;
  /** The segment after it, once it has been made. */
  #next: SegmentFile | undefined;
  #making: Promise<void> | undefined;
  /** There was no space to make one in advance: it is made when it is needed, or the log fails. */
  #aheadFailed = false;
  /** The last frame that has its place. */
  #number: FrameNumber;
  /** Every frame up to it is durable. */
  #durableThrough: FrameNumber;
  /** Frames in their order; those with a place come first. */
  readonly #queue: Waiting[] = [];
  #placed = 0;
  /** Whether a write is in flight, by lane. The lowest that is free comes first. */
  readonly #laneBusy: boolean[] = Array.from({ length: writeLanes }, () => false);
  readonly #writes = new Set<Promise<void>>();
  /** Segments that were left and have frames in flight. */
  readonly #leaving: SegmentFile[] = [];
  #failure: Error | undefined;
  #closing = false;

  constructor(files: SegmentFiles, segmentBytes: number, log: RecoveredLog) {
    this.#files = files;
    this.#segmentBytes = segmentBytes;
    this.#log = log;
    this.#number = log.number;
    this.#durableThrough = log.number;
    this.#current = files.open(log.end.segment);
    this.#at = log.end.at;
    this.#mustLeave = log.isLittered;
    this.#next = this.#openAhead();
  }

  /**
   * Writes a frame behind all others. Resolves with its place when it and all before it are
   * durable; the frame's memory is the writer's until then, and for good where it rejects.
   */
  append(content: FrameContent, frame: Uint8Array): Promise<LogPlace> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const waiting = { content, frame, place: undefined, number: 0, durable: false };
      this.#queue.push({ ...waiting, resolve, reject });
      this.#pump();
    });
  }

  /**
   * Waits for what is in flight, says in the log that all of it is durable, and closes. Returns
   * whether all of it is.
   */
  async close(): Promise<boolean> {
    this.#closing = true;
    await this.#settled();
    if (this.#failure === undefined && this.#fits(blockBytes)) {
      const { content, frame } = emptyFrame(0);
      // Without it, only a lost last frame would go unnoticed.
      await Promise.allSettled([this.append(content, frame)]);
      await this.#settled();
    }
    for (const file of this.#leaving.splice(0)) file.close();
    this.#current.close();
    this.#next?.close();
    return this.#failure === undefined;
  }

  async #settled(): Promise<void> {
    while (this.#writes.size > 0 || this.#making !== undefined) {
      await Promise.allSettled([...this.#writes, this.#making]);
    }
  }

  /** Begins as many writes as may begin now. Whatever it meets, no frame is left waiting. */
  #pump(): void {
    try {
      this.#beginWaiting();
    } catch (fault) {
      this.#fail(storeFailure("write the next frame", fault));
    }
  }

  #beginWaiting(): void {
    for (;;) {
      const next = this.#queue[this.#placed];
      if (next === undefined || !this.#laneBusy.includes(false)) return;
      if (this.#fits(next.frame.length)) this.#begin(next);
      else if (this.#next === undefined) {
        this.#make(Math.max(this.#segmentBytes, next.frame.length + 2 * blockBytes));
        return;
      } else this.#leave();
    }
  }

  /** With the frame by which the segment will be left. */
  #fits(bytes: number): boolean {
    return !this.#mustLeave && this.#at + bytes + blockBytes <= this.#current.bytes;
  }

  #begin(waiting: Waiting): void {
    const { content, frame } = waiting;
    const file = this.#current;
    const at = this.#at;
    const { segment } = file;
    this.#number += 1;
    this.#placed += 1;
    this.#at += frame.length;
    waiting.number = this.#number;
    waiting.place = { segment, at };
    encodeFrameHead(frame, {
      ...content,
      store: this.#log.store,
      epoch: this.#log.epoch + 1,
      segment,
      number: this.#number,
      durableThrough: this.#durableThrough,
    });
    const lane: WriteLane = this.#laneBusy.indexOf(false);
    assert(lane !== -1, "a write has its lane");
    this.#laneBusy[lane] = true;
    const write = startWrite(file, { frame, at, lane }).then(
      () => {
        // Written before the log was lost, its new owner has found it; written later, it went to a
        // file without a name. Only the first may be acknowledged.
        if (this.#files.isOwner()) waiting.durable = true;
        else this.#fail(storeTaken(`segment ${segment}`));
      },
      (error: unknown) => {
        this.#fail(storeFailure(`write frame ${waiting.number} of segment ${segment}`, error));
      },
    );
    const ended = write.then(() => {
      this.#writes.delete(ended);
      this.#laneBusy[lane] = false;
      this.#settle();
      this.#pump();
    });
    this.#writes.add(ended);
    const halfFull = this.#at > this.#current.bytes / 2;
    if (halfFull && this.#next === undefined && !this.#aheadFailed) this.#make(this.#segmentBytes);
  }

  /** The frame that says so, and on to the next segment. */
  #leave(): void {
    const next = this.#next;
    assert(next !== undefined, "a segment is left when there is another");
    const file = this.#current;
    const { content, frame } = emptyFrame(flagLast);
    const resolve = (): void => {
      this.#leaving.splice(this.#leaving.indexOf(file), 1);
      file.close();
    };
    const waiting = { content, frame, place: undefined, number: 0, durable: false };
    const last: Waiting = { ...waiting, resolve, reject: () => {} };
    this.#queue.splice(this.#placed, 0, last);
    this.#leaving.push(file);
    this.#begin(last);
    this.#current = next;
    this.#at = blockBytes;
    this.#mustLeave = false;
    this.#next = this.#openAhead();
    this.#aheadFailed = false;
  }

  /** Tells of what is durable with all before it. */
  #settle(): void {
    for (;;) {
      const [first] = this.#queue;
      if (first === undefined || !first.durable) return;
      assert(first.place !== undefined, "what is durable has its place");
      this.#queue.shift();
      this.#placed -= 1;
      this.#durableThrough = first.number;
      first.resolve(first.place);
    }
  }

  /**
   * After this nothing is durable any more, though the writes in flight may succeed: what one of
   * them met may be told to another.
   */
  #fail(failure: Error): void {
    this.#failure ??= failure;
    this.#placed = 0;
    for (const { reject } of this.#queue.splice(0)) reject(this.#failure);
  }

  /** A segment that a process before this one has made in advance. */
  #openAhead(): SegmentFile | undefined {
    const segment = this.#current.segment + 1;
    if (!this.#log.ahead.includes(segment)) return undefined;
    try {
      return this.#files.open(segment);
    } catch {
      // It holds nothing: where it is needed, it is made again in its place, or the log fails.
      return undefined;
    }
  }

  #make(bytes: number): void {
    if (this.#making !== undefined) return;
    const { store } = this.#log;
    const segment = this.#current.segment + 1;
    const header = encodeSegmentHeader({ store, segment, bytes });
    const isWanted = (): boolean => !this.#closing;
    this.#making = this.#files.make(segment, bytes, header, isWanted).then(
      (file) => {
        this.#making = undefined;
        this.#next = file;
        this.#pump();
      },
      (error: unknown) => {
        this.#making = undefined;
        this.#aheadFailed = true;
        const next = this.#queue[this.#placed];
        if (next === undefined || this.#fits(next.frame.length)) return;
        this.#fail(storeFailure(`make segment ${segment} of ${bytes} bytes`, error));
      },
    );
  }
}

/** A file that throws at once has not written either: its frame must not wait for ever. */
function startWrite(
  file: SegmentFile,
  { frame, at, lane }: { frame: Uint8Array; at: number; lane: WriteLane },
): Promise<void> {
  try {
    return file.write(frame, at, lane);
  } catch (error) {
    return Promise.reject(error);
  }
}

function emptyFrame(flags: number): { content: FrameContent; frame: Uint8Array } {
  const none = new Uint8Array(0);
  const frame = new Uint8Array(frameBytes({ metaBytes: 0, recordBytes: 0 }));
  return { content: { ...emptyContent, ...layFrame(frame, none, none), flags }, frame };
}
