/** One measured point: a new cluster, its groups, a load, and the cluster gone again. */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BenchRun } from "../command.ts";
import { Cluster } from "./cluster.ts";
import type { ClusterSettings } from "./cluster-settings.ts";
import type { LoadWindow } from "./load-window.ts";

export interface LoadPlan {
  /** The load in words, for who watches. */
  readonly what: string;
  readonly warmUp: number;
  readonly seconds: number;
  start(cluster: Cluster): Promise<void>;
}

export async function measureUnderLoad(
  settings: ClusterSettings,
  plan: LoadPlan,
  { dir: parent, signal, progress }: BenchRun,
): Promise<LoadWindow> {
  const { nodes, groups } = settings;
  const dir = await mkdtemp(join(parent, "cluster-"));
  try {
    progress.phase(`starting ${nodes} nodes`);
    await using cluster = await Cluster.open(settings, { dir, signal });
    progress.phase(`creating ${groups} groups`);
    await cluster.createGroups();
    await plan.start(cluster);
    const count = (): number => cluster.doneSoFar();
    progress.phase(`warming up: ${plan.what}`, count, "answered");
    await cluster.sleep(plan.warmUp * 1_000);
    progress.phase(`measuring: ${plan.what}`, count, "answered");
    const window = await cluster.measure(plan.seconds * 1_000);
    progress.phase("stopping");
    await cluster.stopLoad();
    await cluster.close();
    return window;
  } finally {
    // A log of gigabytes would otherwise stand beside the next one.
    await rm(dir, { recursive: true, force: true });
  }
}
