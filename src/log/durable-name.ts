/** Names that survive a loss of power: a file's own flush says nothing of the name it has. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { dirname, resolve } from "node:path";

/** For this process's user alone: what is in a log is nobody else's to read. */
export const privateFile = 0o600;
const privateDir = 0o700;

/**
 * Creates a directory so that its name survives a loss of power: each new name is flushed in the
 * directory that holds it. So is the name of one that exists: a process that ended after `mkdir`
 * may have left it in memory alone.
 */
export function makeDurableDir(dir: string): void {
  const absolute = resolve(dir);
  const missing: string[] = [];
  let at = absolute;
  while (!existsSync(at)) {
    missing.push(at);
    at = dirname(at);
  }
  // One by one: of a read-only file system Node's recursive form says ENOENT.
  for (const path of missing.reverse()) makeDir(path);
  for (const made of missing) flushPath(dirname(made));
  if (missing.length > 0) return;
  makeDir(absolute);
  flushReadable(dirname(absolute));
}

/** Another process may have made it. */
function makeDir(path: string): void {
  try {
    mkdirSync(path, { mode: privateDir });
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}

/** An administrator may have made a directory within one that this process may not read. */
function flushReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch {
    return;
  }
  flushPath(path);
}

/**
 * Gives a file its final name, unless there is one of that name: then it returns false. A rename
 * would replace what another process has made there.
 */
export function nameNewFile(from: string, to: string): boolean {
  try {
    linkSync(from, to);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST") return false;
    if (!linklessCodes.has(code)) throw error;
    if (existsSync(to)) return false;
    renameSync(from, to);
    return true;
  }
  unlinkSync(from);
  return true;
}

/** Of file systems that give a file one name only. */
const linklessCodes: ReadonlySet<unknown> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

/** Flushes a file, or the names in a directory. */
export function flushPath(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
