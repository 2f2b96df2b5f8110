/** One measured point: a new cluster, its groups, a load, and the cluster gone again. */
import type { BenchRun } from "../command.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterSettings } from "./cluster-settings.ts";
import type { LoadWindow } from "./load-window.ts";
import { withCluster } from "./with-cluster.ts";

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
  run: BenchRun,
): Promise<LoadWindow> {
  const { progress } = run;
  return await withCluster(settings, run, async (cluster) => {
    await plan.start(cluster);
    const count = (): number => cluster.doneSoFar();
    progress.phase(`warming up: ${plan.what}`, count, "answered");
    await cluster.sleep(plan.warmUp * 1_000);
    progress.phase(`measuring: ${plan.what}`, count, "answered");
    const window = await cluster.measure(plan.seconds * 1_000);
    await cluster.stopLoad();
    return window;
  });
}
