import { DataDirectory } from "./data-directory.ts";
import { checkShardPorts } from "./listen-options.ts";
import type { ResolvedOptions } from "./options.ts";
import { randomPrng } from "./shard-task.ts";

/**
 * Opens the data directory and completes the options with what it says: how many shards there are.
 * @throws what opening throws, and ERR_OPTION_INVALID if the ports do not fit the shards
 */
export async function openDirectory(
  given: ResolvedOptions,
): Promise<{ directory: DataDirectory; resolved: ResolvedOptions }> {
  const { cluster, node, dir } = given.identity;
  const asked = { cluster, node, shards: given.tuning.shards };
  const directory = await DataDirectory.open(dir, asked, () => randomPrng().incarnation());
  const { shards } = directory;
  try {
    checkShardPorts(given.identity, { ...given.tuning, shards });
  } catch (error) {
    directory.close();
    throw error;
  }
  return { directory, resolved: { ...given, tuning: { ...given.tuning, shards } } };
}
