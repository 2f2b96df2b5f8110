import { RaftError, messageOf } from "../base/index.ts";
import { mapFault } from "../log/index.ts";
import type { DataDirectory } from "./data-directory.ts";
import type { ResolvedOptions } from "./options.ts";
import { WorkerPool } from "./worker-pool.ts";

/**
 * Starts the threads of all shards.
 * @throws ERR_OPTION_INVALID if the shards' maps do not fit, ERR_SHARD_CRASHED if there can be no
 * threads; the directory is closed then
 */
export function startPool(
  { identity, tuning }: ResolvedOptions,
  directory: DataDirectory,
): WorkerPool {
  const { shards, youngHeapMb, store, mapBytes } = tuning;
  try {
    const isMapped = store === "lmdb" && identity.logStore === undefined;
    // Here for all shards: their threads would ask at the same moment.
    const fault = isMapped ? mapFault(mapBytes, shards) : undefined;
    if (fault !== undefined) throw fault;
    const own = identity.logStore === undefined ? store : undefined;
    return new WorkerPool(shards, youngHeapMb, own);
  } catch (cause) {
    directory.close();
    if (cause instanceof RaftError) throw cause;
    const message = `Cannot start ${shards} worker threads: ${messageOf(cause)}`;
    throw new RaftError("ERR_SHARD_CRASHED", message, { cause, outcome: "none" });
  }
}
