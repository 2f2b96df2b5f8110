/**
 * The segments of a store in a directory of its own. Each is made under another name, filled with
 * zeros and flushed, then renamed into place: a file that has its number is whole. Later writes
 * change neither its size nor its blocks, so that each is one flush of the device, and a full disk
 * is met when a segment is made, never by a commit's own write.
 *
 *      DIR/0000000001.seg      segments, numbered from 1
 *      DIR/making.seg          the one that is being made
 */
import {
  close,
  closeSync,
  constants,
  fstatSync,
  fsync,
  open,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  write,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { assert } from "../base/index.ts";
import { flushPath, makeDurableDir, privateFile } from "./durable-name.ts";
import type { SegmentFile, SegmentFiles, WriteLane } from "./segment-files.ts";
import { corruptSegment } from "./segment-format.ts";
import type { SegmentNumber } from "./segment-format.ts";
import { refuseLmdb, segmentFileOf, segmentsIn } from "./store-form.ts";

const makingFile = "making.seg";
const chunkBytes = 1_048_576;

const openFile = promisify(open);
const closeFile = promisify(close);
const flushFile = promisify(fsync);

export class SegmentDirectory implements SegmentFiles {
  readonly #dir: string;
  readonly #flags: number;
  #bytesStored = 0;

  /** @param durable false: writes resolve when the system has them, and nothing is flushed */
  constructor(dir: string, durable: boolean) {
    this.#dir = dir;
    this.#flags = constants.O_RDWR | (durable ? constants.O_DSYNC : 0);
  }

  get bytesStored(): number {
    return this.#bytesStored;
  }

  list(): SegmentNumber[] {
    const dir = this.#dir;
    refuseLmdb(dir);
    makeDurableDir(dir);
    rmSync(join(dir, makingFile), { force: true });
    const segments = segmentsIn(dir);
    // A process that ended before it had flushed a name may have left it in memory alone.
    flushPath(dir);
    this.#bytesStored = 0;
    for (const segment of segments) this.#bytesStored += statSync(this.#path(segment)).size;
    return segments;
  }

  open(segment: SegmentNumber): SegmentFile {
    return new OpenSegment(segment, this.#path(segment), this.#flags);
  }

  async make(segment: SegmentNumber, bytes: number, head: Uint8Array): Promise<SegmentFile> {
    const making = join(this.#dir, makingFile);
    try {
      const fd = await openFile(making, "w", privateFile);
      try {
        await writeWhole(fd, head, 0);
        const zeros = new Uint8Array(Math.min(chunkBytes, bytes - head.length));
        for (let at = head.length; at < bytes; at += zeros.length) {
          await writeWhole(fd, zeros.subarray(0, Math.min(zeros.length, bytes - at)), at);
        }
        await flushFile(fd);
      } finally {
        await closeFile(fd);
      }
    } catch (error) {
      // It takes space; where even this is refused, the next opening deletes it.
      rmSync(making, { force: true });
      throw error;
    }
    // The bytes before the name: a name that outlives its bytes would be a damaged segment.
    const path = this.#path(segment);
    this.#bytesStored -= statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    renameSync(making, path);
    flushPath(this.#dir);
    this.#bytesStored += bytes;
    return this.open(segment);
  }

  #path(segment: SegmentNumber): string {
    return join(this.#dir, segmentFileOf(segment));
  }
}

class OpenSegment implements SegmentFile {
  readonly segment: SegmentNumber;
  readonly bytes: number;
  readonly #path: string;
  readonly #flags: number;
  /** One for each lane that has written; the first one reads, too. */
  readonly #descriptors: number[] = [];

  constructor(segment: SegmentNumber, path: string, flags: number) {
    this.segment = segment;
    this.#path = path;
    this.#flags = flags;
    this.bytes = fstatSync(this.#descriptor(0)).size;
  }

  write(bytes: Uint8Array, at: number, lane: WriteLane): Promise<void> {
    assert(at + bytes.length <= this.bytes, "a segment keeps its size");
    return writeWhole(this.#descriptor(lane), bytes, at);
  }

  read(target: Uint8Array, at: number): void {
    const fd = this.#descriptor(0);
    for (let done = 0; done < target.length; ) {
      const count = readSync(fd, target, done, target.length - done, at + done);
      if (count === 0) throw corruptSegment(this.segment, `ends at byte ${at + done}`);
      done += count;
    }
  }

  close(): void {
    for (const fd of this.#descriptors.splice(0)) closeSync(fd);
  }

  #descriptor(lane: WriteLane): number {
    while (this.#descriptors.length <= lane) {
      this.#descriptors.push(openSync(this.#path, this.#flags));
    }
    const fd = this.#descriptors[lane];
    assert(fd !== undefined, "a lane has its descriptor");
    return fd;
  }
}

/** A write may take less than it was given; the next one says why. */
function writeWhole(fd: number, bytes: Uint8Array, from: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (done: number): void => {
      write(fd, bytes, done, bytes.length - done, from + done, (error, count) => {
        if (error !== null) reject(error);
        else if (count === 0) reject(new Error("the system takes no bytes"));
        else if (done + count < bytes.length) next(done + count);
        else resolve();
      });
    };
    next(0);
  });
}
