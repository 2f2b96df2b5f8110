/**
 * FileWork: the calls of a log that may block for as long as its disk hangs, done by a thread other
 * than the caller's. A descriptor belongs to the work that opened it.
 */
import { close, fsync, open, write } from "node:fs";
import { promisify } from "node:util";

export interface FileWork {
  open(path: string, flags: string | number, mode?: number): Promise<number>;

  /** All of the bytes, which must stay as they are until it has settled. */
  write(fd: number, bytes: Uint8Array, at: number): Promise<void>;

  flush(fd: number): Promise<void>;

  close(fd: number): Promise<void>;
}

/** What a system call that takes nothing, and says nothing, comes to. */
export const noBytesTaken = "the system takes no bytes";

/** The threads of libuv's pool: few, and the embedder's calls need them too. */
export const poolWork: FileWork = {
  open: promisify(open),
  write: writeWhole,
  flush: promisify(fsync),
  close: promisify(close),
};

/** A write may take less than it was given; the next one says why. */
function writeWhole(fd: number, bytes: Uint8Array, from: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (done: number): void => {
      write(fd, bytes, done, bytes.length - done, from + done, (error, count) => {
        if (error !== null) reject(error);
        else if (count === 0) reject(new Error(noBytesTaken));
        else if (done + count < bytes.length) next(done + count);
        else resolve();
      });
    };
    next(0);
  });
}
