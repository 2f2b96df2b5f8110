/**
 * The segment files of a simulated disk: what can be read of them, and what is really there.
 *
 *      visible   what has been written, as the system shows it to any process
 *      durable   what no power cut takes away
 *      dirty     writes that are in the one and not in the other: a power cut leaves any of their
 *                sectors, in any order
 *
 * It watches which frames are whole, to know where the log must end after a crash. Of the code that
 * it tests it uses the form of a frame's head alone.
 */
import { assert } from "../../base/index.ts";
import type { Prng } from "../../base/index.ts";
import { decodeFrameHead, segmentFormat } from "../../log/index.ts";
import type { FrameHead, SegmentNumber, Sequence } from "../../log/index.ts";
import type { DiskImage } from "./disk-contents.ts";
import { payloadOf, rotten } from "./rot.ts";
import type { RotPlace } from "./rot.ts";
import type { Tally } from "./tally.ts";

const { blockBytes, sectorBytes } = segmentFormat;

interface Segment {
  readonly visible: Uint8Array;
  readonly durable: Uint8Array;
}

/** A write that is not durable, or what newer ones have left of it. */
export interface DirtyWrite {
  readonly segment: SegmentNumber;
  readonly at: number;
  readonly bytes: Uint8Array;
  /** What it was written over. */
  readonly before: Uint8Array;
  /** Of the frame that it holds. */
  readonly head: FrameHead | undefined;
}

export class SegmentContents {
  /** Who claimed the files last and has not released them. */
  owner: object | undefined;
  #segments = new Map<SegmentNumber, Segment>();
  /** Oldest first. */
  #dirty: DirtyWrite[] = [];
  /** Frames that are durable, though one before them is not: their records. */
  #early = new Map<number, Sequence>();
  /** Every frame up to this one is durable. */
  #frameThrough = 0;
  #recordThrough: Sequence = 0;
  #visibleThrough: Sequence = 0;
  #bytes = 0;

  /** The newest record that the next process will find. Of use after a crash. */
  get visibleThrough(): Sequence {
    return this.#visibleThrough;
  }

  /** The newest record that no power cut takes away. */
  get durableThrough(): Sequence {
    return this.#recordThrough;
  }

  get bytes(): number {
    return this.#bytes;
  }

  segments(): SegmentNumber[] {
    return [...this.#segments.keys()].sort((a, b) => a - b);
  }

  visible(segment: SegmentNumber): Uint8Array {
    return this.#segment(segment).visible;
  }

  /** A file of `head` and zeros, durable with its name. */
  make(segment: SegmentNumber, bytes: number, head: Uint8Array): void {
    const visible = new Uint8Array(bytes);
    visible.set(head);
    this.#bytes += bytes - (this.#segments.get(segment)?.visible.length ?? 0);
    this.#segments.set(segment, { visible, durable: visible.slice() });
    this.#dirty = this.#dirty.filter((write) => write.segment !== segment);
    if (head.length > blockBytes) this.#frameThrough = 1;
  }

  /** A copy takes the place of a segment: durable, with zeros behind the first `kept` bytes. */
  renew(segment: SegmentNumber, kept: number): void {
    const visible = new Uint8Array(this.visible(segment).length);
    visible.set(this.visible(segment).subarray(0, kept));
    this.#segments.set(segment, { visible, durable: visible.slice() });
    this.#dirty = this.#dirty.filter((write) => write.segment !== segment);
  }

  /** Can be read from now on. */
  write(segment: SegmentNumber, at: number, bytes: Uint8Array): DirtyWrite {
    const { visible } = this.#segment(segment);
    const before = visible.slice(at, at + bytes.length);
    visible.set(bytes, at);
    const write = { segment, at, bytes: bytes.slice(), before, head: decodeFrameHead(bytes) };
    this.#dirty.push(write);
    return write;
  }

  /** The write is on the disk. */
  flush(write: DirtyWrite): void {
    const { segment, at, bytes, head } = write;
    this.#segment(segment).durable.set(bytes, at);
    const index = this.#dirty.indexOf(write);
    const older = this.#dirty.slice(0, index).flatMap((dirty) => withoutRange(dirty, write));
    this.#dirty = [...older, ...this.#dirty.slice(index + 1)];
    if (head === undefined || head.number <= this.#frameThrough) return;
    this.#early.set(head.number, head.sequence);
    for (;;) {
      const sequence = this.#early.get(this.#frameThrough + 1);
      if (sequence === undefined) return;
      this.#frameThrough += 1;
      this.#early.delete(this.#frameThrough);
      this.#recordThrough = Math.max(this.#recordThrough, sequence);
    }
  }

  /** The process that wrote it was killed: of a write in flight whole pages are there, or all. */
  interrupt(write: DirtyWrite, prng: Prng, tally: Tally): void {
    const index = this.#dirty.indexOf(write);
    if (index === -1 || !prng.chance(0.3)) return;
    const kept = prng.between(0, Math.ceil(write.bytes.length / blockBytes)) * blockBytes;
    this.visible(write.segment).set(write.before.subarray(kept), write.at + kept);
    const bytes = write.bytes.subarray(0, kept);
    this.#dirty[index] = { ...write, bytes, head: undefined };
    tally.fault("write interrupted by a kill");
  }

  /** Nobody writes any more: finds the end of the log. Returns its last frame. */
  endProcess(): number {
    const dirty = new Map(this.#dirty.map((write) => [write.head?.number, write]));
    let number = this.#frameThrough;
    let sequence = this.#recordThrough;
    for (;;) {
      const next = this.#early.get(number + 1) ?? this.#wholeRecord(dirty.get(number + 1));
      if (next === undefined) break;
      number += 1;
      sequence = Math.max(sequence, next);
    }
    this.#visibleThrough = sequence;
    for (const early of this.#early.keys()) if (early > number) this.#early.delete(early);
    this.#dirty = this.#dirty.map((write) =>
      write.head !== undefined && write.head.number > number
        ? { ...write, head: undefined }
        : write,
    );
    return number;
  }

  /** Of what is dirty, any sectors are there and others not. */
  cutPower(prng: Prng, tally: Tally): void {
    for (const write of this.#dirty) {
      const { durable } = this.#segment(write.segment);
      const fate = prng.between(0, 3);
      for (let from = 0; from < write.bytes.length; from += sectorBytes) {
        if (fate === 0 || (fate === 1 && prng.chance(0.5))) continue;
        durable.set(write.bytes.subarray(from, from + sectorBytes), write.at + from);
      }
      tally.fault(fates[fate] ?? "");
    }
    for (const { visible, durable } of this.#segments.values()) visible.set(durable);
    // What is there now is there for good.
    this.#frameThrough = this.endProcess();
    this.#recordThrough = this.#visibleThrough;
    this.#dirty = [];
    this.#early = new Map();
  }

  /** What is durable, to come back later. */
  image(): DiskImage {
    const copies = new Map<SegmentNumber, Uint8Array>();
    for (const [segment, { durable }] of this.#segments) copies.set(segment, durable.slice());
    const [frameThrough, recordThrough] = [this.#frameThrough, this.#recordThrough];
    return {
      restore: () => {
        this.#segments = new Map();
        this.#bytes = 0;
        for (const [segment, bytes] of copies) {
          this.#segments.set(segment, { visible: bytes.slice(), durable: bytes.slice() });
          this.#bytes += bytes.length;
        }
        this.#dirty = [];
        this.#early = new Map();
        this.#frameThrough = frameThrough;
        this.#recordThrough = recordThrough;
        this.#visibleThrough = recordThrough;
      },
    };
  }

  /** Flips bits of something durable; returns of what, or undefined where there is none such. */
  rot(prng: Prng, place: RotPlace): string | undefined {
    return place === "entry" ? this.#rotEntry(prng) : this.#rotAnything(prng);
  }

  #rotEntry(prng: Prng): string | undefined {
    const places = [...this.#segments.values()].flatMap((segment) =>
      this.#usedBlocks(segment.durable).flatMap((at) => {
        const head = decodeFrameHead(segment.durable.subarray(at, at + blockBytes));
        if (head === undefined || head.recordBytes === 0) return [];
        const recordAt = at + segmentFormat.headBytes + head.metaBytes;
        const record = segment.durable.subarray(recordAt, recordAt + head.recordBytes);
        const payload = payloadOf(record);
        return payload.from < payload.to ? [{ segment, recordAt, record, payload, head }] : [];
      }),
    );
    const found = places[prng.between(0, Math.max(1, places.length))];
    if (found === undefined) return undefined;
    const { segment, recordAt, record, payload, head } = found;
    const changed = rotten(record, payload, prng);
    for (const bytes of [segment.visible, segment.durable]) bytes.set(changed, recordAt);
    return `an entry in frame ${head.number}`;
  }

  /** Something that is not zeros. */
  #rotAnything(prng: Prng): string | undefined {
    const segments = this.segments();
    const number = segments[prng.between(0, segments.length)];
    if (number === undefined) return undefined;
    const { visible, durable } = this.#segment(number);
    const blocks = this.#usedBlocks(durable);
    const block = blocks[prng.between(0, blocks.length)] ?? 0;
    const used = [...durable.subarray(block, block + blockBytes).entries()].filter(
      ([, byte]) => byte !== 0,
    );
    const [offset] = used[prng.between(0, used.length)] ?? [0];
    for (let bits = prng.between(1, 4); bits > 0; bits -= 1) {
      const at = block + offset + bits - 1;
      const mask = 1 << prng.between(0, 8);
      if (at >= durable.length) break;
      durable[at] = (durable[at] ?? 0) ^ mask;
      visible[at] = (visible[at] ?? 0) ^ mask;
    }
    return `segment ${number}, block ${block / blockBytes}`;
  }

  /**
   * A frame that a later one calls durable loses a part of what it holds, as on a disk that lied.
   * What a disk does to the very last frame is not to be told from a torn write.
   */
  tear(prng: Prng, tally: Tally): void {
    const frames = [...this.#segments.values()].flatMap(({ visible, durable }) =>
      this.#usedBlocks(durable).flatMap((at) => {
        const head = decodeFrameHead(durable.subarray(at, at + blockBytes));
        return head === undefined ? [] : [{ head, at, visible, durable }];
      }),
    );
    const vouched = Math.max(0, ...frames.map(({ head }) => head.durableThrough));
    const torn = frames.findLast(({ head }) => head.sequence > 0 && head.number <= vouched);
    if (torn === undefined) return;
    const { head, at, visible, durable } = torn;
    const end = at + segmentFormat.headBytes + head.metaBytes + head.recordBytes;
    const sectors = Math.ceil((end - at) / sectorBytes);
    const from = at + prng.between(0, sectors) * sectorBytes;
    for (const bytes of [visible, durable]) bytes.fill(0, from, end);
    tally.fault("record torn by a power cut");
  }

  #usedBlocks(bytes: Uint8Array): number[] {
    const blocks: number[] = [];
    for (let at = 0; at < bytes.length; at += blockBytes) {
      if (bytes.subarray(at, at + blockBytes).some((byte) => byte !== 0)) blocks.push(at);
    }
    return blocks;
  }

  /** The record of a frame of which every byte can be read, 0 where it holds none. */
  #wholeRecord(write: DirtyWrite | undefined): Sequence | undefined {
    if (write?.head === undefined) return undefined;
    const { segment, at, bytes, head } = write;
    const there = this.visible(segment).subarray(at, at + bytes.length);
    return Buffer.compare(there, bytes) === 0 ? head.sequence : undefined;
  }

  #segment(number: SegmentNumber): Segment {
    const segment = this.#segments.get(number);
    assert(segment !== undefined, "a segment that is used has been made");
    return segment;
  }
}

const fates = [
  "unflushed write lost by a power cut",
  "unflushed write torn by a power cut",
  "unflushed write kept by a power cut",
];

/** What is left of a dirty write beside one that is durable. */
function withoutRange(dirty: DirtyWrite, { segment, at, bytes }: DirtyWrite): DirtyWrite[] {
  const from = at - dirty.at;
  const to = from + bytes.length;
  if (dirty.segment !== segment || to <= 0 || from >= dirty.bytes.length) return [dirty];
  const rests: DirtyWrite[] = [];
  for (const [start, end] of [
    [0, from],
    [to, dirty.bytes.length],
  ] as const) {
    if (start >= end) continue;
    rests.push({
      segment,
      at: dirty.at + start,
      bytes: dirty.bytes.subarray(start, end),
      before: dirty.before.subarray(start, end),
      head: undefined,
    });
  }
  return rests;
}
