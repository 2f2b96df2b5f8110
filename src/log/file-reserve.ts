/**
 * Zeros at the end of LMDB's file, ahead of its last page. A flush of a page that lies inside the
 * file writes that page; a flush of one that extends the file also writes the file system's
 * journal. Measured on ext4 with small records: 2,000 strict commits a second into a reserve
 * against 1,000 into a growing file; freed LMDB pages, the other way to reserve, gave 1,400, since
 * each commit then rewrites the list of free pages. Records above 64 KiB gain nothing, so there the
 * file is left to grow by itself instead of being written twice.
 *
 * LMDB never looks behind the last page that its meta page names, and zeros are only ever written
 * beyond the end of the file, between transactions, by the one thread that writes it: they cannot
 * meet a page. If power fails, the file is shorter or longer, and nothing else.
 */
import { closeSync, fstatSync, openSync, writeSync } from "node:fs";

const lowWaterBytes = 1_048_576;
const stepBytesMax = 4_194_304;
const recordBytesMax = 65_536;
/**
 * Pages of trees and lists that a commit rewrites besides its record; an estimate between two looks
 * at the file.
 */
const overheadBytes = 65_536;

export class FileReserve {
  readonly #path: string;
  /** 0: do not reserve. */
  readonly #stepBytes: number;
  /** At least so many bytes lie between LMDB's last page and the end of the file. */
  #headroomBytes = 0;
  #recordBytes = 0;
  #records = 0;
  #broken = false;

  constructor(path: string, preallocateBytes: number) {
    this.#path = path;
    this.#stepBytes = Math.min(preallocateBytes, stepBytesMax);
  }

  /** Call after each transaction. */
  keepAhead(recordBytes: number, usedBytes: () => number): void {
    if (this.#stepBytes === 0 || this.#broken) return;
    this.#recordBytes += recordBytes;
    this.#records += 1;
    this.#headroomBytes -= recordBytes + overheadBytes;
    if (this.#headroomBytes > 0) return;
    const small = this.#recordBytes <= this.#records * recordBytesMax;
    this.#recordBytes = 0;
    this.#records = 0;
    try {
      this.#headroomBytes = reserve(this.#path, usedBytes(), small ? this.#stepBytes : 0);
    } catch {
      // A full disk, most likely. A reserve only saves time, so the commits themselves shall find
      // out.
      this.#broken = true;
    }
  }
}

/** Makes the file longer by `bytes` of zeros. */
export function growFile(path: string, bytes: number): void {
  const fd = openSync(path, "r+");
  try {
    const zeros = new Uint8Array(Math.min(bytes, lowWaterBytes));
    let at = fstatSync(fd).size;
    const end = at + bytes;
    while (at < end) at += writeSync(fd, zeros, 0, Math.min(zeros.length, end - at), at);
  } finally {
    closeSync(fd);
  }
}

/**
 * Grows the file where less than the low water mark is left; returns the bytes until it should be
 * looked at again.
 */
function reserve(path: string, usedBytes: number, stepBytes: number): number {
  const fd = openSync(path, "r+");
  let left: number;
  try {
    left = fstatSync(fd).size - usedBytes;
  } finally {
    closeSync(fd);
  }
  if (left >= lowWaterBytes + overheadBytes) return left - lowWaterBytes;
  if (stepBytes === 0) return stepBytesMax;
  growFile(path, stepBytes);
  return Math.max(left + stepBytes - lowWaterBytes, overheadBytes);
}
