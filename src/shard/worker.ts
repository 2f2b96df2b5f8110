/**
 * The file a worker thread starts with. It stays this small and imports the rest inside the task: a
 * module that fails while the pool loads it would be reported as an internal error of Node instead
 * of its own.
 */
import type { ShardTask } from "./worker-host.ts";

/** Runs one shard until it is told to stop. */
export async function runShard(task: ShardTask): Promise<void> {
  const { hostShard } = await import("./worker-host.ts");
  await hostShard(task);
}
