/**
 * Reads the segments of a store when it is opened, and finds where its log ends.
 *
 *      frames that a later one says were durable │ others, whole │ torn │ anything
 *      ──────────── must be sound ───────────────┤ ─── kept ─────┤ end of the log
 *
 * Several frames may be on their way to the disk when power fails, so one may be torn and a later
 * one whole. Neither was acknowledged then: a frame is acknowledged when all before it are durable,
 * and a frame that was written after that says so. What is torn although a later frame says that it
 * was durable is damage, and so is what was written whole and has another checksum now. Damage is
 * never cut off.
 */
import { crc32c } from "../wire/index.ts";
import type { MetaEntry } from "./log-env.ts";
import { RecordPlaces } from "./record-places.ts";
import { damagedBlock, decodeRecord } from "./record.ts";
import type { RecordedChange } from "./record-directory.ts";
import type { Sequence } from "./record-format.ts";
import type { SegmentFiles, SegmentReader } from "./segment-files.ts";
import {
  corruptSegment,
  countZeroSectors,
  decodeFrameHead,
  decodeMetas,
  decodeSegmentHeader,
  frameBytes,
  isZero,
  segmentFormat,
} from "./segment-format.ts";
import type { FrameHead, FrameNumber, SegmentNumber } from "./segment-format.ts";
import { SegmentWindow } from "./segment-window.ts";

/** Where something lies in the log. */
export interface LogPlace {
  readonly segment: SegmentNumber;
  readonly at: number;
}

/** A frame with all its bytes. */
export interface WholeFrame extends LogPlace {
  readonly bytes: Uint8Array;
}

/** What was found. Nothing has been changed. */
export interface RecoveredLog {
  /** Of every header and head: see `SegmentHeader.store`. */
  readonly store: number;
  /** The highest of any frame, torn ones included. */
  readonly epoch: number;
  /** The last frame. */
  readonly number: FrameNumber;
  /** Where the next frame belongs. */
  readonly end: LogPlace;
  /** Something is left behind the end in its segment, so that no more frames may go there. */
  readonly isLittered: boolean;
  /** Segments behind the one of the end that hold zeros. */
  readonly ahead: readonly SegmentNumber[];
  readonly places: RecordPlaces;
  readonly metas: Map<string, MetaEntry>;
  /** Frames that no later one calls durable: nobody knows whether the disk has them. */
  readonly unsure: readonly WholeFrame[];
}

interface FoundFrame extends LogPlace {
  readonly head: FrameHead;
}

/** @throws ERR_STORE_CORRUPT, ERR_DATA_DIR_VERSION */
export async function recoverLog(
  files: SegmentFiles,
  segments: readonly SegmentNumber[],
  nextTurn: () => Promise<void>,
): Promise<RecoveredLog> {
  const scan = new SegmentScan(files, segments);
  for (let goesOn = true; goesOn; ) {
    goesOn = scan.walkSegment();
    await nextTurn();
  }
  return scan.finish();
}

/** A map's key for the key of a meta entry. */
export function metaName(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

class SegmentScan {
  private readonly files: SegmentFiles;
  private readonly segments: readonly SegmentNumber[];
  private readonly window = new SegmentWindow();
  private readonly places = new RecordPlaces();
  private readonly metas = new Map<string, MetaEntry>();
  private store = 0;
  private epoch = 0;
  private number: FrameNumber = 0;
  /** Of the frames confirmed so far. */
  private sequence: Sequence = 0;
  private durableThrough: FrameNumber = 0;
  /** Frames above `durableThrough`, in order. */
  private unsure: FoundFrame[] = [];
  private end: LogPlace = { segment: 1, at: segmentFormat.blockBytes };
  private walked = 0;
  /** Up to here each frame is known from its head, though the log may end before. */
  private walkedTo: LogPlace = this.end;

  constructor(files: SegmentFiles, segments: readonly SegmentNumber[]) {
    this.files = files;
    this.segments = segments;
    segments.forEach((segment, at) => {
      if (segment !== at + 1) throw corruptSegment(at + 1, "is missing");
      this.checkHeader(segment);
    });
  }

  /** Takes in the frames of the next segment. Returns whether the log goes on in another. */
  walkSegment(): boolean {
    this.walked += 1;
    const segment = this.walked;
    if (!this.segments.includes(segment)) throw corruptSegment(segment, "is missing");
    return this.within(segment, (file) => {
      let at: number = segmentFormat.blockBytes;
      while (at < file.bytes) {
        const head = this.nextHead(file, at);
        if (head === undefined) break;
        this.take({ head, segment, at });
        at += frameBytes(head);
        if ((head.flags & segmentFormat.flagLast) !== 0) return true;
      }
      this.end = { segment, at };
      this.walkedTo = this.end;
      return false;
    });
  }

  finish(): RecoveredLog {
    const unsure = this.confirmUnsure();
    if (this.number === 0) throw corruptSegment(1, "has lost its first frame");
    const { store, epoch, number, end, places, metas } = this;
    const littered = this.segments.filter((segment) => this.isLittered(segment));
    const isLittered = littered.includes(end.segment);
    const ahead = this.segments.filter(
      (segment) => segment > end.segment && !littered.includes(segment),
    );
    return { store, epoch, number, end, isLittered, ahead, places, metas, unsure };
  }

  private checkHeader(segment: SegmentNumber): void {
    this.within(segment, (file) => {
      if (file.bytes < segmentFormat.blockBytes) throw corruptSegment(segment, "has no header");
      const header = new Uint8Array(segmentFormat.headerBytes);
      file.read(header, 0);
      const { store, bytes } = decodeSegmentHeader(header, segment);
      if (segment === 1) this.store = store;
      if (store !== this.store) throw corruptSegment(segment, "belongs to another store");
      if (bytes === file.bytes) return;
      throw corruptSegment(segment, `has ${file.bytes} bytes and says ${bytes}`);
    });
  }

  /** The head of the frame that follows, or undefined where the log may end. */
  private nextHead(file: SegmentReader, at: number): FrameHead | undefined {
    const { segment } = file;
    const sector = this.window.view(file, at, segmentFormat.sectorBytes);
    const head = decodeFrameHead(sector);
    if (head === undefined) {
      if (isZero(sector, 0, sector.length)) return undefined;
      throw corruptSegment(segment, `holds no sound frame at byte ${at}`);
    }
    const newEpoch = head.epoch > this.epoch;
    const fits =
      head.store === this.store &&
      head.epoch >= this.epoch &&
      head.segment === segment &&
      head.number === this.number + 1 &&
      head.durableThrough < head.number &&
      // The first frame of an epoch was written when all before it were durable.
      (!newEpoch || head.durableThrough === this.number) &&
      at + frameBytes(head) <= file.bytes;
    if (fits) return head;
    throw corruptSegment(segment, `holds frame ${head.number} where it cannot be, at byte ${at}`);
  }

  private take(frame: FoundFrame): void {
    const { head } = frame;
    this.number = head.number;
    this.epoch = head.epoch;
    this.durableThrough = Math.max(this.durableThrough, head.durableThrough);
    this.unsure.push(frame);
    while (this.unsure[0] !== undefined && this.unsure[0].head.number <= this.durableThrough) {
      const durable = this.unsure.shift();
      if (durable !== undefined) this.confirm(durable);
    }
  }

  /** The frame counts. Its record is judged by who reads the log. */
  private confirm({ head, segment, at }: FoundFrame): void {
    if (head.metaBytes > 0) {
      const bytes = this.read({ segment, at: at + segmentFormat.headBytes }, head.metaBytes);
      const metas = crc32c(bytes) === head.metaChecksum ? decodeMetas(bytes) : undefined;
      if (metas === undefined) {
        throw corruptSegment(segment, `holds unsound meta entries in frame ${head.number}`);
      }
      for (const { key, value } of metas) {
        if (value === undefined) this.metas.delete(metaName(key));
        else this.metas.set(metaName(key), { key, value });
      }
    }
    if (head.sequence === 0) return;
    if (head.sequence !== this.sequence + 1) {
      const fault = `holds record ${head.sequence} after record ${this.sequence}`;
      throw corruptSegment(segment, fault);
    }
    this.sequence = head.sequence;
    const recordAt = at + segmentFormat.headBytes + head.metaBytes;
    this.places.add({ segment, at: recordAt, bytes: head.recordBytes });
  }

  /** Cuts the log before the first torn frame. Returns those that stay, though nobody vouched. */
  private confirmUnsure(): WholeFrame[] {
    const kept: WholeFrame[] = [];
    for (const frame of this.unsure) {
      const { head, segment, at } = frame;
      const bytes = this.read({ segment, at }, frameBytes(head));
      const changes = changesOf(head, bytes);
      if (changes === undefined || hasDamage(head, bytes, changes)) {
        if (isTorn(head, bytes)) {
          this.number = head.number - 1;
          this.end = { segment, at };
          break;
        }
        if (changes === undefined) {
          throw corruptSegment(segment, `has been damaged in frame ${head.number}`);
        }
        // It was written whole, and its blocks were damaged later: who reads the log tells whose.
      }
      this.confirm(frame);
      kept.push({ segment, at, bytes });
    }
    return kept;
  }

  /**
   * Whether anything but zeros lies behind the end of the log. It must not speak for what is
   * missing.
   */
  private isLittered(segment: SegmentNumber): boolean {
    const { end } = this;
    if (segment < end.segment) return false;
    const { blockBytes } = segmentFormat;
    return this.within(segment, (file) => {
      let littered = false;
      let at = segment === end.segment ? end.at : blockBytes;
      for (; at < file.bytes; at += blockBytes) {
        const block = this.window.view(file, at, blockBytes);
        if (isZero(block, 0, blockBytes)) continue;
        littered = true;
        // What a torn frame holds is data, also where it looks like a head.
        if (!this.isWalked({ segment, at })) this.checkRemains(segment, decodeFrameHead(block));
      }
      return littered;
    });
  }

  private isWalked({ segment, at }: LogPlace): boolean {
    const { walkedTo } = this;
    return segment < walkedTo.segment || (segment === walkedTo.segment && at < walkedTo.at);
  }

  private checkRemains(segment: SegmentNumber, head: FrameHead | undefined): void {
    if (head === undefined || head.store !== this.store || head.segment !== segment) return;
    // Of an opener that has lost the log: what it wrote after that speaks for nothing.
    if (head.epoch < this.epoch) return;
    if (head.durableThrough <= this.number) return;
    throw corruptSegment(
      segment,
      `holds frame ${head.number}, which says that frame ${this.number + 1} was durable`,
    );
  }

  private read({ segment, at }: LogPlace, bytes: number): Uint8Array {
    const target = new Uint8Array(bytes);
    this.within(segment, (file) => file.read(target, at));
    return target;
  }

  private within<T>(segment: SegmentNumber, use: (file: SegmentReader) => T): T {
    const file = this.files.openReader(segment);
    try {
      return use(file);
    } finally {
      file.close();
    }
  }
}

/** What the frame's record says; undefined where its meta entries or the record are unsound. */
function changesOf(head: FrameHead, frame: Uint8Array): readonly RecordedChange[] | undefined {
  const metasEnd = segmentFormat.headBytes + head.metaBytes;
  const metas = frame.subarray(segmentFormat.headBytes, metasEnd);
  if (crc32c(metas) !== head.metaChecksum) return undefined;
  if (head.sequence === 0) return head.recordBytes === 0 ? [] : undefined;
  try {
    return decodeRecord(recordIn(head, frame), head.sequence);
  } catch {
    return undefined;
  }
}

function hasDamage(
  head: FrameHead,
  frame: Uint8Array,
  changes: readonly RecordedChange[],
): boolean {
  const record = recordIn(head, frame);
  return changes.some(({ blocks }) => damagedBlock(record, blocks) !== undefined);
}

function recordIn({ metaBytes, recordBytes }: FrameHead, frame: Uint8Array): Uint8Array {
  const at = segmentFormat.headBytes + metaBytes;
  return frame.subarray(at, at + recordBytes);
}

/** Whether a sector that should hold something was never written. */
function isTorn(head: FrameHead, frame: Uint8Array): boolean {
  const end = segmentFormat.headBytes + head.metaBytes + head.recordBytes;
  return countZeroSectors(frame, end) > head.zeroSectors;
}
