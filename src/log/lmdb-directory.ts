/**
 * Making and recognising a store's directory. A store appears whole or not at all: it is made in a
 * directory beside its place and named in it once it is durable with its identity inside. So a
 * store that has lost its identity, or its file, was not interrupted while being made: it is
 * damaged, and must never be taken for a new, empty one, whose replicas would forget what they have
 * voted and acknowledged.
 *
 *      data.mdb  lock.mdb  making/   found at open
 *      no        no        no        nothing was ever here                        ─► make
 *      no        no        yes       power failed while it was made               ─► delete, make
 *      yes       any       any       made (its name is the last step)             ─► open
 *      no        yes       any       a made store lost its file                   ─► refuse
 */
import { closeSync, existsSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mapFault } from "./address-space.ts";
import { flushPath, makeDurableDir, nameNewFile, privateFile } from "./durable-name.ts";
import { soonInEventLoop } from "./event-loop.ts";
import { FileReserve, fillHoles, growFile } from "./file-reserve.ts";
import { LmdbEnv } from "./lmdb-env.ts";
import type { LmdbEnvOptions } from "./lmdb-env.ts";
import { checkLmdbFile } from "./lmdb-file-check.ts";
import { emptyLmdbFile } from "./lmdb-meta.ts";
import { corruptMeta, identityEntry } from "./meta-entry.ts";
import type { StoreIdentity } from "./log-store.ts";
import { storeTaken } from "./store-failure.ts";
import { dataFile, lockFile, refuseSegments } from "./store-form.ts";

const makingDir = "making";
/** More than LMDB asks of its lock file for 64 readers, on any system: it takes what is there. */
const lockBytes = 8_192;

/** Makes the store where there is none. The directory may exist or not. */
export async function ensureStore(
  options: LmdbEnvOptions,
  identity: StoreIdentity,
  preallocateBytes: number,
): Promise<void> {
  const { dir } = options;
  refuseSegments(dir);
  if (existsSync(join(dir, dataFile))) return;
  if (existsSync(join(dir, lockFile))) {
    throw corruptMeta(`${join(dir, dataFile)} is missing, though the store was in use`);
  }
  const making = join(dir, makingDir);
  rmSync(making, { recursive: true, force: true });
  try {
    makeDurableDir(dir);
    makeDurableDir(making);
    const empty = emptyLmdbFile(options.mapBytes);
    writeFileSync(join(making, dataFile), empty, { mode: privateFile });
    growFile(join(making, dataFile), Math.min(empty.length + preallocateBytes, options.mapBytes));
    const env = await openStore({ ...options, dir: making }, 0);
    try {
      env.write([identityEntry(identity)]);
    } finally {
      await env.close();
    }
    // The bytes before the name: a name that outlives its bytes would be a damaged store.
    flushPath(join(making, dataFile));
    // What another process has made there meanwhile is its own.
    if (!nameNewFile(join(making, dataFile), join(dir, dataFile))) throw storeTaken(dir);
    flushPath(dir);
  } catch (error) {
    removeQuietly(making);
    throw error;
  }
  removeQuietly(making);
}

/**
 * Opens LMDB on files that it finds sound and long enough, with their blocks: it would make them
 * longer with holes, map those, and end with the process where the disk is full.
 */
export async function openStore(
  options: LmdbEnvOptions,
  preallocateBytes: number,
): Promise<LmdbEnv> {
  const { dir } = options;
  const path = join(dir, dataFile);
  const nextTurn = (): Promise<void> =>
    new Promise((resolve) => {
      soonInEventLoop(resolve);
    });
  const usedBytes = await checkLmdbFile({ path, nextTurn });
  fillHoles(path);
  const reserve = new FileReserve(path, preallocateBytes, options.mapBytes);
  try {
    // For what LMDB itself may write when it opens. The list of free pages stays as it is.
    reserve.makeRoom(0, () => ({ usedBytes, freeListBytes: 0 }));
    const lock = join(dir, lockFile);
    closeSync(openSync(lock, "a", privateFile));
    fillHoles(lock);
    growFile(lock, lockBytes);
    const fault = mapFault(Math.max(options.mapBytes, usedBytes), 1);
    if (fault !== undefined) throw fault;
    return new LmdbEnv(options, reserve);
  } catch (error) {
    reserve.close();
    throw error;
  }
}

/** What is left of a store that was not made takes space, and is deleted by the next open. */
function removeQuietly(making: string): void {
  try {
    rmSync(making, { recursive: true, force: true });
  } catch {
    // A disk that refuses even this has said so before.
  }
}
