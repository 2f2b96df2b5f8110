/**
 * Room in LMDB's file: zeros between its last page and the end of the file, written before each
 * transaction that could otherwise go beyond them.
 *
 *      │ pages │ room of this transaction │ ahead for the next ones │
 *                                         └ of records up to 64 KiB only
 *
 * LMDB must never find the disk full: where the system refuses one of its writes, it writes a text
 * over the end of its memory (mdb.c:4742 of lmdb-js 3.5.6), which may end the process, and a page
 * of a mapped file that the file system cannot provide is a bus error. So the blocks that a
 * transaction may need are there before it begins, or it does not begin. Pages that LMDB uses
 * again lie before its last page, and there the file has no holes (`fillHoles`). Node has no
 * `fallocate`: to write is the only way to have blocks.
 *
 * Zeros ahead also save time. A flush of a page that lies inside the file writes that page; a flush
 * of one that extends the file also writes the file system's journal. Measured on ext4 with small
 * records: 2,000 strict commits a second into a reserve against 1,000 into a growing file; freed
 * LMDB pages, the other way to reserve, gave 1,400, since each commit then rewrites the list of
 * free pages. Records above 64 KiB gain nothing, so there only the room of one transaction is made:
 * its zeros are still in memory when pages replace them, and most are never written to the disk.
 *
 * LMDB never looks behind the last page that its meta page names, and zeros are only ever written
 * beyond the end of the file, between transactions, by the thread whose transaction is next: they
 * cannot meet a page. Threads that take turns have a reserve each, and tell it of the others. If
 * power fails, the file is shorter or longer, and nothing else.
 */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { storeFailure } from "./store-failure.ts";

const stepBytesMax = 4_194_304;
const lowWaterBytesMax = 1_048_576;
const recordBytesMax = 65_536;
const chunkBytes = 1_048_576;
const pageBytes = 4_096;
/** Unit of `blocks`, whatever the file system's own blocks are. */
const blockBytes = 512;
/**
 * What a transaction writes besides its records and entries: the paths through three trees, at most
 * 32 pages while each is four deep, and as much again. A test drives a store and measures.
 */
const overheadBytes = 262_144;
/** Copies of the list of free pages: LMDB may write it, take it apart, and write it again. */
const freeListCopies = 3;

/** What LMDB says of its file. */
export interface FileUse {
  /** Up to the end of its last page. */
  readonly usedBytes: number;
  readonly freeListBytes: number;
}

export class FileReserve {
  readonly #path: string;
  /** Made ahead of what is needed; 0: nothing. */
  readonly #stepBytes: number;
  /** Nothing is made ahead beyond this. */
  readonly #bytesMax: number;
  /** At least so many bytes lie between LMDB's last page and the end of the file. */
  #roomBytes = 0;
  /** LMDB's last page ends here or before. */
  #usedAtMost = 0;
  /** In all transactions that room was made for. */
  #takenBytes = 0;
  /** Of transactions of another thread that LMDB may not tell of yet. */
  #elsewhereBytes = 0;
  /** As known when LMDB was asked last. */
  #overheadBytes = overheadBytes;
  /** Kept from the first call on: no transaction fails for want of a descriptor. */
  #fd: number | undefined;

  constructor(path: string, preallocateBytes: number, bytesMax: number = Number.POSITIVE_INFINITY) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#stepBytes = Math.min(preallocateBytes, stepBytesMax);
  }

  /**
   * Call before each transaction, with the bytes that it adds. Asks the system and LMDB only where
   * the room that is surely left might not do.
   * @throws ERR_STORE_FAILED where there is no room: the transaction must not begin
   */
  makeRoom(bytes: number, measure: () => FileUse): void {
    if (this.#roomBytes < bytes + this.#overheadBytes) this.#grow(bytes, measure());
    this.#takenBytes += bytes + this.#overheadBytes;
    this.takeElsewhere(bytes + this.#overheadBytes);
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** So much less room is left, and LMDB's last page may end so much further. */
  takeElsewhere(bytes: number): void {
    this.#roomBytes -= bytes;
    this.#usedAtMost += bytes;
  }

  /**
   * A transaction of another thread that adds so many bytes, whose reserve makes the room; the
   * function that is returned must be called when it has ended.
   */
  beginElsewhere(bytes: number): () => void {
    const takenBytes = bytes + this.#overheadBytes;
    this.takeElsewhere(takenBytes);
    this.#elsewhereBytes += takenBytes;
    return () => {
      this.#elsewhereBytes -= takenBytes;
    };
  }

  /**
   * How far LMDB's pages reach at most after a transaction that adds so many bytes. Asks LMDB only
   * if that might be beyond the limit.
   */
  reachAfter(bytes: number, limit: number, measure: () => FileUse): number {
    const reach = this.#usedAtMost + bytes + this.#overheadBytes;
    if (reach <= limit) return reach;
    this.#note(measure());
    return this.#usedAtMost + bytes + this.#overheadBytes;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #note({ usedBytes, freeListBytes }: FileUse): void {
    this.#usedAtMost = usedBytes + this.#elsewhereBytes;
    this.#overheadBytes = overheadBytes + freeListCopies * freeListBytes;
  }

  #grow(bytes: number, use: FileUse): void {
    this.#note(use);
    const { usedBytes } = use;
    const neededEnd = usedBytes + bytes + this.#overheadBytes;
    const stepBytes = bytes > recordBytesMax ? 0 : this.#stepBytes;
    const lowWaterBytes = Math.min(lowWaterBytesMax, stepBytes / 2);
    let fd: number;
    let end: number;
    try {
      fd = this.#fd ??= openToGrow(this.#path);
      end = fstatSync(fd).size;
      if (end < neededEnd) end = growOpenFile(fd, neededEnd);
    } catch (cause) {
      throw storeFailure(`make room for ${bytes} bytes in ${this.#path}`, cause);
    }
    if (end < Math.min(neededEnd + lowWaterBytes, this.#bytesMax)) {
      try {
        end = growOpenFile(fd, Math.min(neededEnd + stepBytes, this.#bytesMax));
      } catch {
        // What goes ahead only saves time. On a full disk, commits go on while they fit.
        end = Math.max(end, fstatSync(fd).size);
      }
    }
    this.#roomBytes = end - usedBytes;
  }
}

/** Writes zeros at the end of the file until it has `bytes`; returns how many it has. */
export function growFile(path: string, bytes: number): number {
  const fd = openToGrow(path);
  try {
    return growOpenFile(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

/**
 * Linux appends then, whatever offset a write names: a process that has lost the log without
 * knowing it must not write zeros over pages of its successor.
 */
function openToGrow(path: string): number {
  return openSync(path, constants.O_WRONLY | constants.O_APPEND);
}

function growOpenFile(fd: number, bytes: number): number {
  let at = fstatSync(fd).size;
  const zeros = new Uint8Array(Math.max(0, Math.min(bytes - at, chunkBytes)));
  while (at < bytes) at += writeSync(fd, zeros, 0, Math.min(zeros.length, bytes - at), at);
  return at;
}

/**
 * Writes zeros over zeros where the file has fewer blocks than bytes: a copy of it may have been
 * made with holes, and so is LMDB's lock file. A file system that compresses counts fewer blocks,
 * too: there the file is read through each time, to no avail.
 */
export function fillHoles(path: string): void {
  const fd = openSync(path, "r+");
  try {
    const { size, blocks } = fstatSync(fd);
    if (blocks * blockBytes >= size) return;
    const chunk = Buffer.allocUnsafe(Math.min(size, chunkBytes));
    const zeros = Buffer.alloc(pageBytes);
    for (let from = 0; from < size; ) {
      const count = readSync(fd, chunk, 0, chunk.length, from);
      if (count === 0) return;
      for (let at = 0; at < count; at += pageBytes) {
        const page = chunk.subarray(at, Math.min(at + pageBytes, count));
        if (zeros.compare(page, 0, page.length, 0, page.length) === 0) {
          writeWhole(fd, page, from + at);
        }
      }
      from += count;
    }
  } finally {
    closeSync(fd);
  }
}

/** A write may take less than it was given; the next one says why. */
function writeWhole(fd: number, bytes: Uint8Array, from: number): void {
  for (let at = 0; at < bytes.length; )
    at += writeSync(fd, bytes, at, bytes.length - at, from + at);
}
