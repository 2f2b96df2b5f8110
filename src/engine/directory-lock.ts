/**
 * The lock of a data directory: the file `lock` in it, locked by the kernel for as long as the
 * owner's descriptor is open, and so never longer than its process lives. The file stays when the
 * lock is released: a file that is deleted could be locked by one process while another locks its
 * successor of the same name. Its text names the owner for the message of whoever is refused, and
 * decides nothing.
 *
 * Within this process the owners also stand in a table, by device and inode, so that another path,
 * a symbolic link or a second copy of this module is told that the owner is the process itself.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { RaftError, diskFailure } from "../base/index.ts";
import { loadFileLocks } from "./file-lock.ts";
import type { TryLock } from "./file-lock.ts";

const lockFile = "lock";
/** Tries to lock a file that somebody else deletes or replaces meanwhile. */
const triesMax = 16;
const openHereKey = Symbol.for("flotilla.dataDirectories");

export class DirectoryLock {
  readonly #key: string;
  #fd: number | undefined;

  private constructor(key: string, fd: number) {
    this.#key = key;
    this.#fd = fd;
  }

  /**
   * Locks an existing directory.
   * @throws ERR_DATA_DIR_LOCKED if it has an owner; ERR_STORE_FAILED if the system refuses
   */
  static async take(path: string): Promise<DirectoryLock> {
    const tryLock = await loadFileLocks();
    // From here to the end nothing waits: another call of this process comes before or after.
    const key = keyOf(path);
    const openHere = directoriesOpenHere();
    if (openHere.has(key)) throw locked(path, `this process, ${process.pid}`);
    const fd = lockFileIn(path, tryLock);
    writeOwner(fd);
    openHere.add(key);
    return new DirectoryLock(key, fd);
  }

  /** May be called again: a later owner's lock is another descriptor's. */
  release(): void {
    const fd = this.#fd;
    if (fd === undefined) return;
    this.#fd = undefined;
    directoriesOpenHere().delete(this.#key);
    closeSync(fd);
  }
}

/** Returns a locked descriptor of the file that has the name. */
function lockFileIn(path: string, tryLock: TryLock): number {
  const file = join(path, lockFile);
  for (let tries = 0; tries < triesMax; tries += 1) {
    let fd: number | undefined;
    try {
      fd = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
      if (!tryLock(fd)) throw locked(path, readOwner(file));
      if (hasName(fd, file)) return fd;
    } catch (cause) {
      if (fd !== undefined) closeSync(fd);
      throw cause instanceof RaftError ? cause : diskFailure(`lock ${path}`, cause, "none");
    }
    closeSync(fd);
  }
  throw locked(path, "another process");
}

/** Whether the file was not deleted or replaced between its opening and its lock. */
function hasName(fd: number, file: string): boolean {
  const named = statSync(file, { bigint: true, throwIfNoEntry: false });
  const own = fstatSync(fd, { bigint: true });
  return named?.ino === own.ino && named.dev === own.dev;
}

function keyOf(path: string): string {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (cause) {
    throw diskFailure(`lock ${path}`, cause, "none");
  }
}

/** Shared with other copies of this module in this realm; threads have a table each. */
function directoriesOpenHere(): Set<unknown> {
  const found: unknown = Reflect.get(globalThis, openHereKey);
  if (found instanceof Set) return found;
  const made = new Set<unknown>();
  Reflect.set(globalThis, openHereKey, made);
  return made;
}

/** A disk that has no room for the text does not make the lock less valid. */
function writeOwner(fd: number): void {
  try {
    ftruncateSync(fd);
    writeSync(fd, `process ${process.pid} on host ${hostname()}\n`, 0);
  } catch {
    // The message of whoever is refused will not name this process.
  }
}

function readOwner(file: string): string {
  try {
    const text = readFileSync(file, "utf8").trim();
    if (/^process \d+ on host \S+$/.test(text)) return text;
  } catch {
    // Some systems do not let a locked file be read.
  }
  return "another process";
}

function locked(path: string, owner: string): RaftError {
  return new RaftError("ERR_DATA_DIR_LOCKED", `${path} is open in ${owner}`);
}
