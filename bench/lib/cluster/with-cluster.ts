/** A new cluster in a directory of its own, both gone when the work is done. */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BenchRun } from "../command.ts";
import { Cluster } from "./cluster.ts";
import type { GroupsToCreate } from "./cluster.ts";
import type { ClusterSettings } from "./cluster-settings.ts";

/** Without groups, for work that creates them itself. */
export async function withEmptyCluster<T>(
  settings: ClusterSettings,
  { dir: parent, signal, progress }: BenchRun,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(parent, "cluster-"));
  try {
    progress.phase(`starting ${settings.nodes} nodes`);
    await using cluster = await Cluster.open(settings, { dir, signal });
    const done = await work(cluster);
    progress.phase("stopping");
    await cluster.close();
    return done;
  } finally {
    // A log of gigabytes would otherwise stand beside the next one.
    await rm(dir, { recursive: true, force: true });
  }
}

/** `work` finds all groups created, and led by the nodes `leaders`. */
export async function withCluster<T>(
  settings: ClusterSettings,
  run: BenchRun,
  work: (cluster: Cluster) => Promise<T>,
  { leaders }: Pick<GroupsToCreate, "leaders"> = {},
): Promise<T> {
  return await withEmptyCluster(settings, run, async (cluster) => {
    run.progress.phase(`creating ${settings.groups} groups`);
    await cluster.createGroups({ ...(leaders !== undefined && { leaders }) });
    return await work(cluster);
  });
}
