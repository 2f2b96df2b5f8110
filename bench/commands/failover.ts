/**
 * What clients see of a node that is killed while it leads its share of the groups. They call the
 * nodes that live on: for groups that these lead, and, passed on, for those of the one to be killed.
 */
import { integerArgument } from "../../src/cli/index.ts";
import type { Cluster } from "../lib/cluster/cluster.ts";
import { dipOf } from "../lib/cluster/dip.ts";
import type { LoadWindow } from "../lib/cluster/load-window.ts";
import { withCluster } from "../lib/cluster/with-cluster.ts";
import type { Benchmark, BenchRun, Measured } from "../lib/command.ts";
import { Latencies } from "../lib/latencies.ts";
import {
  addCallOptions,
  addClusterOptions,
  integersArgument,
  limits,
  nodesWithSpare,
  numberArgument,
} from "../lib/load-options.ts";
import type { CallOptions, ClusterOptions } from "../lib/load-options.ts";
import { callersOf } from "../lib/load/callers.ts";
import { figure } from "../lib/result.ts";
import type { Figure, Point } from "../lib/result.ts";
import { sharedMs } from "../lib/shared-clock.ts";
import { writesOf } from "../lib/work.ts";

interface Options extends ClusterOptions, CallOptions {
  readonly groups: readonly number[];
  readonly rate: number;
  readonly valueBytes: number;
  readonly shards: number;
  readonly after: number;
}

interface Failover {
  readonly before: LoadWindow;
  /** From the kill on. */
  readonly windows: readonly LoadWindow[];
  /** Of each group that the killed node led: ms from the kill to its first acknowledged write. */
  readonly gaps: Latencies;
}

/** Length of the windows in which the dip is looked for. */
const windowMs = 200;
/** A rate that was missed by more than this share of it was not kept. */
const rateMargin = 0.1;

export const failover: Benchmark<Options> = {
  name: "failover",
  summary: "how long groups have no leader, and which calls fail, when a node is killed",
  configure(command) {
    command
      .option("--groups <list>", "Raft groups", integersArgument(...limits.groups), [1_000])
      .option(
        "--rate <n>",
        "proposals a second, in an open loop, over all nodes",
        numberArgument(1, 10_000_000),
        10_000,
      )
      .option(
        "--after <n>",
        "seconds of load after the kill; a call has an answer after 10 at the latest",
        numberArgument(0.5, 86_400),
        12,
      )
      .option("--value-bytes <n>", "size of a value", integerArgument(...limits.valueBytes), 16)
      .option("--shards <n>", "worker threads a node", integerArgument(...limits.shards), 1);
    addCallOptions(command);
    addClusterOptions(command, nodesWithSpare);
  },
  async run(options, run): Promise<Measured> {
    const points: Point[] = [];
    for (const groups of options.groups) {
      points.push(pointOf(groups, options, await killOne(groups, options, run)));
    }
    return { durability: options.durability, points };
  },
};

async function killOne(groups: number, options: Options, run: BenchRun): Promise<Failover> {
  const { nodes, durability, machine, shards, warmUp, seconds, after } = options;
  const { progress } = run;
  return await withCluster({ nodes, durability, machine, shards, groups }, run, async (cluster) => {
    const { victim, callers } = await startLoad(cluster, options);
    const count = (): number => cluster.doneSoFar();
    progress.phase(`warming up: ${options.rate} proposals a second`, count, "answered");
    await cluster.sleep(warmUp * 1_000);
    progress.phase("measuring before the kill", count, "answered");
    const before = await cluster.measure(seconds * 1_000, [...callers.keys()]);
    const led = await cluster.node(victim).ask<readonly number[]>({ kind: "led" });
    if (led.length === 0) throw new Error(`${victim} leads no group: take more of --groups`);
    progress.phase(`SIGKILL of ${victim}, which leads ${led.length} groups`, count, "answered");
    const ledNow = new Set(led);
    const killedMs = sharedMs();
    const killed = cluster.kill(victim);
    const begun = [...callers].map(([name, called]) => {
      const own = called.filter((group) => ledNow.has(group));
      return cluster.node(name).ask({ kind: "startFirstWrites", groups: own });
    });
    await Promise.all([killed, ...begun]);
    const windows = await cluster.measureSeries(windowMs, Math.ceil((after * 1_000) / windowMs));
    const gaps = new Latencies();
    for (const name of callers.keys()) {
      const written = await cluster.node(name).ask<readonly number[]>({ kind: "firstWrites" });
      for (const atMs of written) gaps.record(atMs - killedMs);
    }
    await cluster.stopLoad();
    return { before, windows, gaps };
  });
}

async function startLoad(
  cluster: Cluster,
  options: Options,
): Promise<{ victim: string; callers: ReadonlyMap<string, readonly number[]> }> {
  const victim = cluster.names.at(-1) ?? "";
  const callers = callersOf(cluster.settings.groups, cluster.names, victim);
  const work = { ...writesOf(options), forward: true };
  await Promise.all(
    [...callers].map(async ([name, groups]) => {
      const rate = (options.rate * groups.length) / cluster.settings.groups;
      if (rate > 0) await cluster.startLoad(name, { ...work, kind: "open", rate }, groups);
    }),
  );
  return { victim, callers };
}

function pointOf(
  groups: number,
  { rate, nodes, durability, machine, shards, valueBytes, single }: Options,
  { before, windows, gaps }: Failover,
): Point {
  // Before the kill it may have been more, where the load had fallen behind.
  const dip = dipOf(Math.min(before.perSecond, rate), windows);
  const calls = single ? "single" : "batched";
  const latencies = new Latencies();
  for (const { writeLatencies } of windows) latencies.add(writeLatencies);
  const ms = (value: number): Figure => figure([value], "ms", "lower");
  const failed = failuresOf(windows);
  const unknown = windows.reduce((sum, window) => sum + window.unknown, 0);
  const all = Object.values(failed).reduce((sum, count) => sum + count, 0);
  const remarks = remarksOf(before.perSecond, rate, failed);
  return {
    settings: { groups, rate, valueBytes, shards, nodes, durability, machine, calls },
    figures: {
      groupsLost: figure([gaps.count], ""),
      leaderlessP50: ms(gaps.percentile(50)),
      leaderlessP99: ms(gaps.percentile(99)),
      leaderlessWorst: ms(gaps.maxMs),
      failedWithoutEffect: figure([all - unknown], "", "lower"),
      failedUnknown: figure([unknown], "", "lower"),
      achievedBefore: figure([before.perSecond], "/s", "higher"),
      leastThroughput: figure([dip.least * 100], "%", "higher"),
      throughputBack: ms(dip.seconds * 1_000),
      p99Before: ms(before.writeLatencies.percentile(99)),
      p99After: ms(latencies.percentile(99)),
    },
    ...(remarks.length > 0 && { remark: remarks.join("; ") }),
  };
}

function remarksOf(
  achieved: number,
  rate: number,
  failed: Readonly<Record<string, number>>,
): string[] {
  const codes = Object.entries(failed).map(([code, count]) => `${count} × ${code}`);
  const remarks = codes.length > 0 ? [`calls failed: ${codes.join(", ")}`] : [];
  if (Math.abs(achieved - rate) > rate * rateMargin) {
    remarks.push("the rate was not kept before the kill: the machine was too busy to tell");
  }
  return remarks;
}

function failuresOf(windows: readonly LoadWindow[]): Readonly<Record<string, number>> {
  const failed: Record<string, number> = {};
  for (const window of windows) {
    for (const [code, count] of Object.entries(window.failed)) {
      failed[code] = (failed[code] ?? 0) + count;
    }
  }
  return failed;
}
