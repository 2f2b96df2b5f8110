/**
 * The segments of a store in a directory of its own. Each is made under another name, filled with
 * zeros and flushed, then renamed into place: a file that has its number is whole. Later writes
 * change neither its size nor its blocks, so that each is one flush of the device, and a full disk
 * is met when a segment is made, never by a commit's own write.
 *
 *      DIR/0000000001.seg      segments, numbered from 1
 *      DIR/making.seg          the one that is being made
 *      DIR/claim-1             whose they are: see segment-claim.ts
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { assert } from "../base/index.ts";
import { flushPath, makeDurableDir, nameNewFile, privateFile } from "./durable-name.ts";
import { pauseInEventLoop } from "./event-loop.ts";
import { poolWork } from "./file-work.ts";
import type { FileWork } from "./file-work.ts";
import { SegmentClaim } from "./segment-claim.ts";
import { writeLanes } from "./segment-files.ts";
import type { SegmentFile, SegmentFiles, SegmentReader, WriteLane } from "./segment-files.ts";
import { corruptSegment } from "./segment-format.ts";
import type { SegmentNumber } from "./segment-format.ts";
import { storeTaken } from "./store-failure.ts";
import { refuseLmdb, segmentFileOf, segmentsIn } from "./store-form.ts";
import { isUsedUp } from "./used-up.ts";

const makingFile = "making.seg";
const chunkBytes = 1_048_576;
/** Between two tries to make a segment. */
const usedUpPauseMs = 100;

/** Who does what may block for as long as the disk hangs. */
export interface SegmentWork {
  /** Jobs that may be in libuv's pool at the same time, beginning with the lowest lane. */
  readonly poolJobs: number;
  /** Does the others. */
  readonly thread: FileWork;
}

export class SegmentDirectory implements SegmentFiles {
  readonly #dir: string;
  readonly #flags: number;
  #bytesStored = 0;
  readonly #spares: SpareDescriptors;
  readonly #claim: SegmentClaim;
  /** For the writes of each lane, and for files that are made. */
  readonly #lanes: readonly FileWork[];
  readonly #making: FileWork;

  /**
   * @param durable false: writes resolve when the system has them, and nothing is flushed
   * @param work by default libuv's pool does all of it
   */
  constructor(dir: string, durable: boolean, work?: SegmentWork) {
    const workOf = (job: number): FileWork =>
      work === undefined || job < work.poolJobs ? poolWork : work.thread;
    this.#lanes = Array.from({ length: writeLanes }, (_, lane) => workOf(lane));
    this.#making = workOf(writeLanes);
    this.#dir = dir;
    this.#flags = constants.O_RDWR | (durable ? constants.O_DSYNC : 0);
    this.#spares = new SpareDescriptors(dir);
    this.#claim = new SegmentClaim(dir);
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
    this.#spares.take();
    return segments;
  }

  claim(): boolean {
    return this.#claim.take();
  }

  isOwner(): boolean {
    return this.#claim.isHeld();
  }

  release(): void {
    this.#claim.release();
  }

  open(segment: SegmentNumber): SegmentFile {
    return this.#open(segment);
  }

  openReader(segment: SegmentNumber): SegmentReader {
    return new ReadSegment(segment, this.#path(segment));
  }

  /** What the system has no more of now is waited for: nothing depends on a file without a name. */
  async make(
    segment: SegmentNumber,
    bytes: number,
    head: Uint8Array,
    isWanted: () => boolean = () => false,
  ): Promise<SegmentFile> {
    for (;;) {
      this.#spares.release();
      try {
        return await this.#makeAndOpen(segment, bytes, head);
      } catch (error) {
        if (!isUsedUp(error) || !isWanted()) throw error;
      } finally {
        this.#spares.takeSome();
      }
      await pauseInEventLoop(usedUpPauseMs);
    }
  }

  async renew(segment: SegmentNumber, kept: number): Promise<void> {
    const reader = this.openReader(segment);
    try {
      const chunk = new Uint8Array(Math.min(chunkBytes, kept));
      const copy = async (fd: number): Promise<number> => {
        for (let at = 0; at < kept; at += chunk.length) {
          const part = chunk.subarray(0, Math.min(chunk.length, kept - at));
          reader.read(part, at);
          await this.#making.write(fd, part, at);
        }
        return kept;
      };
      const making = await this.#fillFile(reader.bytes, copy);
      this.#assertOwner();
      renameSync(making, this.#path(segment));
    } finally {
      reader.close();
    }
    flushPath(this.#dir);
  }

  close(): void {
    this.#spares.close();
    this.#claim.close();
  }

  async #makeAndOpen(
    segment: SegmentNumber,
    bytes: number,
    head: Uint8Array,
  ): Promise<SegmentFile> {
    await this.#makeFile(segment, bytes, head);
    const file = this.#open(segment);
    await file.opened();
    return file;
  }

  #open(segment: SegmentNumber): OpenSegment {
    const closed = (): void => this.#spares.takeSome();
    const lanes = this.#lanes;
    return new OpenSegment(segment, this.#path(segment), { flags: this.#flags, lanes, closed });
  }

  async #makeFile(segment: SegmentNumber, bytes: number, head: Uint8Array): Promise<void> {
    const making = await this.#fillFile(bytes, async (fd) => {
      await this.#making.write(fd, head, 0);
      return head.length;
    });
    // The bytes before the name: a name that outlives its bytes would be a damaged segment.
    const path = this.#path(segment);
    const replaced = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    this.#assertOwner();
    // A process that loses the log at this moment must not replace what its successor made.
    if (!nameNewFile(making, path)) {
      this.#assertOwner();
      renameSync(making, path);
    }
    flushPath(this.#dir);
    this.#bytesStored += bytes - replaced;
  }

  #assertOwner(): void {
    if (!this.isOwner()) throw storeTaken(this.#dir);
  }

  /** A flushed file of what `fill` writes, and zeros behind it; returns its path. */
  async #fillFile(bytes: number, fill: (fd: number) => Promise<number>): Promise<string> {
    const making = join(this.#dir, makingFile);
    const work = this.#making;
    // A file of its own: an owner that has lost the log may be filling one of this name.
    this.#assertOwner();
    rmSync(making, { force: true });
    try {
      const fd = await work.open(making, "wx", privateFile);
      try {
        const filled = await fill(fd);
        const zeros = new Uint8Array(Math.min(chunkBytes, bytes - filled));
        for (let at = filled; at < bytes; at += zeros.length) {
          await work.write(fd, zeros.subarray(0, Math.min(zeros.length, bytes - at)), at);
        }
        await work.flush(fd);
      } finally {
        await work.close(fd);
      }
    } catch (error) {
      // It takes space; where even this is refused, the next opening deletes it.
      if (this.isOwner()) rmSync(making, { force: true });
      throw error;
    }
    return making;
  }

  #path(segment: SegmentNumber): string {
    return join(this.#dir, segmentFileOf(segment));
  }
}

/**
 * Descriptors that are held so that they are there when a segment has to be made: one to make it
 * and one for each of its lanes. An embedder that runs out of them must not end a log that needs
 * none more than it had.
 */
class SpareDescriptors {
  readonly #dir: string;
  readonly #held: number[] = [];
  #closed = false;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Throws where the system has none. */
  take(): void {
    while (!this.#closed && this.#held.length < 1 + writeLanes) {
      this.#held.push(openSync(this.#dir, "r"));
    }
  }

  /** Those that there are. */
  takeSome(): void {
    try {
      this.take();
    } catch {
      // A later segment may find none: the commit that needs it waits until some are free.
    }
  }

  release(): void {
    for (const fd of this.#held.splice(0)) closeSync(fd);
  }

  close(): void {
    this.#closed = true;
    this.release();
  }
}

interface OpenSegmentOptions {
  readonly flags: number;
  readonly lanes: readonly FileWork[];
  readonly closed: () => void;
}

interface OpenLane {
  readonly work: FileWork;
  readonly fd: Promise<number>;
}

/**
 * Every lane has its descriptor from the beginning: a process that runs out of them meets that when
 * a segment is opened or made, and never in the middle of a commit.
 */
class OpenSegment implements SegmentFile {
  readonly segment: SegmentNumber;
  readonly bytes: number;
  /** Those of libuv's pool, opened here at once. */
  readonly #own: number[] = [];
  readonly #lanes: readonly OpenLane[];
  readonly #closed: () => void;
  /** Settles when each lane has its descriptor; undefined once they have. */
  #opening: Promise<unknown> | undefined;

  constructor(segment: SegmentNumber, path: string, options: OpenSegmentOptions) {
    const { flags, lanes, closed } = options;
    this.segment = segment;
    this.#closed = closed;
    try {
      for (const work of lanes) if (work === poolWork) this.#own.push(openSync(path, flags));
      this.bytes = statSync(path).size;
    } catch (error) {
      this.close();
      throw error;
    }
    const own = [...this.#own];
    this.#lanes = lanes.map((work) => {
      const fd = work === poolWork ? own.shift() : undefined;
      return { work, fd: fd === undefined ? work.open(path, flags) : Promise.resolve(fd) };
    });
    this.#opening = Promise.all(this.#lanes.map(({ fd }) => fd));
    // Who writes first hears of it.
    this.#opening.catch(() => {});
  }

  /** @throws what a lane's opening throws */
  async opened(): Promise<void> {
    try {
      await this.#opening;
      this.#opening = undefined;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async write(bytes: Uint8Array, at: number, lane: WriteLane): Promise<void> {
    assert(at + bytes.length <= this.bytes, "a segment keeps its size");
    const open = this.#lanes[lane];
    assert(open !== undefined, "a lane has its descriptor");
    if (this.#opening !== undefined) {
      await this.#opening;
      this.#opening = undefined;
    }
    await open.work.write(await open.fd, bytes, at);
  }

  close(): void {
    for (const fd of this.#own.splice(0)) closeSync(fd);
    for (const { work, fd } of this.#lanes ?? []) {
      if (work !== poolWork) void fd.then((its) => work.close(its)).catch(() => {});
    }
    this.#closed();
  }
}

class ReadSegment implements SegmentReader {
  readonly segment: SegmentNumber;
  readonly bytes: number;
  readonly #fd: number;

  constructor(segment: SegmentNumber, path: string) {
    this.segment = segment;
    this.#fd = openSync(path, "r");
    this.bytes = fstatSync(this.#fd).size;
  }

  read(target: Uint8Array, at: number): void {
    for (let done = 0; done < target.length; ) {
      const count = readSync(this.#fd, target, done, target.length - done, at + done);
      if (count === 0) throw corruptSegment(this.segment, `ends at byte ${at + done}`);
      done += count;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
