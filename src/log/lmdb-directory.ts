/**
 * Making and recognising a store's directory. A store appears whole or not at all: it is made in a
 * directory beside its place and renamed into it once it is durable with its identity inside. So a
 * store that has lost its identity, or its file, was not interrupted while being made: it is
 * damaged, and must never be taken for a new, empty one, whose replicas would forget what they have
 * voted and acknowledged.
 *
 *      data.mdb  lock.mdb  making/   found at open
 *      no        no        no        nothing was ever here                        ─► make
 *      no        no        yes       power failed while it was made               ─► delete, make
 *      yes       any       any       made (the rename is the last step)           ─► open
 *      no        yes       any       a made store lost its file                   ─► refuse
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { growFile } from "./file-reserve.ts";
import { LmdbEnv } from "./lmdb-env.ts";
import type { LmdbEnvOptions } from "./lmdb-env.ts";
import { corruptMeta, identityEntry } from "./meta-entry.ts";
import type { StoreIdentity } from "./log-store.ts";

export const dataFile = "data.mdb";
const lockFile = "lock.mdb";
const makingDir = "making";

/** Makes the store where there is none. The directory may exist or not. */
export async function ensureStore(
  options: LmdbEnvOptions,
  identity: StoreIdentity,
  preallocateBytes: number,
): Promise<void> {
  const { dir } = options;
  if (existsSync(join(dir, dataFile))) return;
  if (existsSync(join(dir, lockFile))) {
    throw corruptMeta(`${join(dir, dataFile)} is missing, though the store was in use`);
  }
  const making = join(dir, makingDir);
  rmSync(making, { recursive: true, force: true });
  makeDurableDir(making);
  const env = new LmdbEnv({ ...options, dir: making });
  try {
    env.write([identityEntry(identity)]);
  } finally {
    await env.close();
  }
  if (preallocateBytes > 0) growFile(join(making, dataFile), preallocateBytes);
  // The bytes before the name: a name that outlives its bytes would be a damaged store.
  flushPath(join(making, dataFile));
  renameSync(join(making, dataFile), join(dir, dataFile));
  flushPath(dir);
  rmSync(making, { recursive: true, force: true });
}

/**
 * Creates a directory so that its name survives a loss of power: each new name is flushed in the
 * directory that holds it.
 */
function makeDurableDir(dir: string): void {
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

function flushPath(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
