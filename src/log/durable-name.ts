/** Names that survive a loss of power: a file's own flush says nothing of the name it has. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * Creates a directory so that its name survives a loss of power: each new name is flushed in the
 * directory that holds it.
 */
export function makeDurableDir(dir: string): void {
  const absolute = resolve(dir);
  const missing: string[] = [];
  let at = absolute;
  while (!existsSync(at)) {
    missing.push(at);
    at = dirname(at);
  }
  mkdirSync(absolute, { recursive: true });
  for (const made of missing) flushPath(dirname(made));
}

/** Flushes a file, or the names in a directory. */
export function flushPath(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
