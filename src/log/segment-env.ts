/**
 * A log in segment files: each transaction is one frame, durable with one flush of the device. Meta
 * entries are kept in memory, and read from the frames when the log is opened; records are read
 * back from the files. No segment is ever deleted, since RecordStore keeps every record.
 */
import { assert } from "../base/index.ts";
import type { LogEnv, MetaEntry, MetaWrite } from "./log-env.ts";
import type { RecordPlaces } from "./record-places.ts";
import type { Sequence } from "./record-format.ts";
import type { SegmentFiles, SegmentReader } from "./segment-files.ts";
import {
  emptyContent,
  encodeMetas,
  frameBytes,
  layFrame,
  segmentFormat,
} from "./segment-format.ts";
import { metaName } from "./segment-recovery.ts";
import type { RecoveredLog } from "./segment-recovery.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { storeTaken } from "./store-failure.ts";

export interface SegmentEnvOptions {
  readonly files: SegmentFiles;
  /** Size of the segments to make; a frame that is larger gets one of its own. */
  readonly segmentBytes: number;
  /** Whether the files flush what they are given. */
  readonly durable: boolean;
}

/** Memory for frames, and as much for records read, that is used again. */
const keptBytesMax = 2_097_152;

export class SegmentEnv implements LogEnv {
  readonly flushesPerWrite: number;
  readonly #files: SegmentFiles;
  readonly #openWriter: () => SegmentWriter;
  /** Undefined until the log is claimed. */
  #writer: SegmentWriter | undefined;
  readonly #metas: Map<string, MetaEntry>;
  /** Of the records that are durable. */
  readonly #places: RecordPlaces;
  /** Records that are on their way, in the memory of their frames. */
  readonly #inFlight = new Map<Sequence, Uint8Array>();
  readonly #frames: Uint8Array[] = [];
  /**
   * The segment that was read last, at first the newest. Another takes its place when it is closed:
   * reading never needs one descriptor more than the log was opened with.
   */
  #reading: SegmentReader | undefined;
  #target: Uint8Array = new Uint8Array(0);

  constructor({ files, segmentBytes, durable }: SegmentEnvOptions, log: RecoveredLog) {
    this.flushesPerWrite = durable ? 1 : 0;
    this.#files = files;
    this.#metas = log.metas;
    this.#places = log.places;
    this.#reading = files.openReader(log.end.segment);
    this.#openWriter = () => new SegmentWriter(files, segmentBytes, log);
  }

  /** The files are claimed since before they were read: see `openSegmentEnv`. */
  async claim(metas: readonly MetaWrite[]): Promise<void> {
    if (!this.#files.isOwner()) throw storeTaken("the log");
    this.#writer = this.#openWriter();
    await this.write(metas);
  }

  async write(
    metas: readonly MetaWrite[],
    sequence: Sequence = 0,
    record: Uint8Array = new Uint8Array(0),
  ): Promise<void> {
    assert(sequence === 0 || sequence === this.lastSequence() + 1, "records are appended");
    const metaBytes = encodeMetas(metas);
    const sizes = { metaBytes: metaBytes.length, recordBytes: record.length };
    const frame = this.#takeFrame(frameBytes(sizes));
    const content = { ...emptyContent, ...sizes, ...layFrame(frame, metaBytes, record), sequence };
    for (const { key, value } of metas) {
      if (value === undefined) this.#metas.delete(metaName(key));
      else this.#metas.set(metaName(key), { key, value });
    }
    const recordAt = segmentFormat.headBytes + metaBytes.length;
    if (sequence !== 0) {
      this.#inFlight.set(sequence, frame.subarray(recordAt, recordAt + record.length));
    }
    assert(this.#writer !== undefined, "a log is claimed before it is written");
    const { segment, at } = await this.#writer.append(content, frame);
    if (sequence !== 0) {
      this.#places.add({ segment, at: at + recordAt, bytes: sizes.recordBytes });
      this.#inFlight.delete(sequence);
    }
    if (frame.length <= keptBytesMax) this.#frames.push(frame);
  }

  get placesBytes(): number {
    return this.#places.bytes;
  }

  record(sequence: Sequence): Uint8Array | undefined {
    const inFlight = this.#inFlight.get(sequence);
    if (inFlight !== undefined) return inFlight;
    const place = this.#places.get(sequence);
    if (place === undefined) return undefined;
    if (this.#reading?.segment !== place.segment) {
      this.#reading?.close();
      this.#reading = undefined;
      this.#reading = this.#files.openReader(place.segment);
    }
    const target = this.#targetOf(place.bytes);
    this.#reading.read(target, place.at);
    return target;
  }

  lastSequence(): Sequence {
    return this.#places.count + this.#inFlight.size;
  }

  recordCount(): number {
    return this.lastSequence();
  }

  metas(): MetaEntry[] {
    return [...this.#metas.values()];
  }

  meta(key: Uint8Array): Uint8Array | undefined {
    return this.#metas.get(metaName(key))?.value;
  }

  /** Each write is durable by itself: `pipelined` is `strict` here. */
  sync(): void {
    assert(this.#inFlight.size === 0, "a log in segments is never flushed as a whole");
  }

  async close(): Promise<void> {
    const isSettled = await this.#writer?.close();
    if (isSettled === true) this.#files.release();
    this.#reading?.close();
    this.#reading = undefined;
    this.#files.close();
  }

  #takeFrame(bytes: number): Uint8Array {
    const kept = this.#frames.pop();
    if (kept !== undefined && kept.buffer.byteLength >= bytes) {
      return new Uint8Array(kept.buffer, 0, bytes);
    }
    return new Uint8Array(bytes);
  }

  #targetOf(bytes: number): Uint8Array {
    if (bytes > keptBytesMax) return new Uint8Array(bytes);
    if (this.#target.length < bytes) this.#target = new Uint8Array(bytes);
    return this.#target.subarray(0, bytes);
  }
}
