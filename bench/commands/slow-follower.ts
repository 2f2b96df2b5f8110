/** What a follower that is slow or stands still does to the others, and how it comes back. */
import { integerArgument } from "../../src/cli/index.ts";
import type { Cluster } from "../lib/cluster/cluster.ts";
import { namesOf } from "../lib/cluster/cluster-settings.ts";
import type { LoadWindow } from "../lib/cluster/load-window.ts";
import { SlowDown, describeSlowness, slownessArgument } from "../lib/cluster/slow-down.ts";
import type { Slowness } from "../lib/cluster/slow-down.ts";
import { withCluster } from "../lib/cluster/with-cluster.ts";
import type { Benchmark, BenchRun, Measured } from "../lib/command.ts";
import { failedFigure, remarkOf } from "../lib/load-figures.ts";
import {
  addCallOptions,
  addClusterOptions,
  integersArgument,
  limits,
  listArgument,
  nodesWithSpare,
  numberArgument,
} from "../lib/load-options.ts";
import type { CallOptions, ClusterOptions } from "../lib/load-options.ts";
import { figure } from "../lib/result.ts";
import type { Point } from "../lib/result.ts";
import { sharedMs } from "../lib/shared-clock.ts";
import { writesOf } from "../lib/work.ts";

interface Options extends ClusterOptions, CallOptions {
  readonly slow: readonly Slowness[];
  readonly groups: readonly number[];
  readonly outstanding: number;
  readonly rate?: number;
  readonly valueBytes: number;
  readonly shards: number;
}

interface Cell {
  readonly groups: number;
  readonly slow: Slowness;
}

interface Phases {
  readonly before: LoadWindow;
  readonly during: LoadWindow;
  readonly after: LoadWindow;
  /** From the end of the slowness until what was applied elsewhere by then was applied there. */
  readonly catchUpMs: number;
}

export const slowFollower: Benchmark<Options> = {
  name: "slow-follower",
  summary: "what a follower that is slow or stands still costs the others, and its catching up",
  configure(command) {
    command
      .option(
        "--slow <list>",
        'how it is slowed: 90/100 is stopped 90 of every 100 ms, "stop" stands still',
        listArgument(slownessArgument),
        [{ stoppedMs: 90, periodMs: 100 }, "stop"],
      )
      .option("--groups <list>", "Raft groups", integersArgument(...limits.groups), [1_000])
      .option(
        "--outstanding <n>",
        "proposals in flight at any time, over all nodes",
        integerArgument(...limits.outstanding),
        16_384,
      )
      .option(
        "--rate <n>",
        "proposals a second in an open loop, instead of a number in flight",
        numberArgument(1, 10_000_000),
      )
      .option("--value-bytes <n>", "size of a value", integerArgument(...limits.valueBytes), 16)
      .option("--shards <n>", "worker threads a node", integerArgument(...limits.shards), 1);
    addCallOptions(command);
    addClusterOptions(command, nodesWithSpare);
  },
  async run(options, run): Promise<Measured> {
    const points: Point[] = [];
    for (const groups of options.groups) {
      for (const slow of options.slow) {
        const cell = { groups, slow };
        points.push(...pointsOf(cell, options, await measurePhases(cell, options, run)));
      }
    }
    return { durability: options.durability, points };
  },
};

/** Also where it fails: a process that stands still could not end by itself. */
async function whileSlow<T>(
  cluster: Cluster,
  { victim, slow }: { readonly victim: string; readonly slow: Slowness },
  work: () => Promise<T>,
): Promise<T> {
  using _slowDown = new SlowDown(cluster.node(victim), slow);
  return await work();
}

async function measurePhases(cell: Cell, options: Options, run: BenchRun): Promise<Phases> {
  const { nodes, durability, machine, shards, warmUp, seconds } = options;
  const settings = { nodes, durability, machine, shards, groups: cell.groups };
  const leaders = namesOf(nodes).slice(0, -1);
  const victim = namesOf(nodes).at(-1) ?? "";
  const { progress } = run;
  const measure = async (cluster: Cluster, what: string): Promise<LoadWindow> => {
    progress.phase(what, () => cluster.doneSoFar(), "answered");
    return await cluster.measure(seconds * 1_000, leaders);
  };
  const work = async (cluster: Cluster): Promise<Phases> => {
    await startLoad(cluster, options);
    progress.phase("warming up", () => cluster.doneSoFar(), "answered");
    await cluster.sleep(warmUp * 1_000);
    const before = await measure(cluster, "measuring before");
    const { slow } = cell;
    const { during, targets } = await whileSlow(cluster, { victim, slow }, async () => ({
      during: await measure(cluster, `measuring while ${victim} is slow`),
      targets: await cluster.appliedIndexes(leaders),
    }));
    const continuedMs = sharedMs();
    const [after, reachedMs] = await Promise.all([
      measure(cluster, "measuring after"),
      cluster.node(victim).ask<number>({ kind: "reach", targets }),
    ]);
    await cluster.stopLoad();
    return { before, during, after, catchUpMs: reachedMs - continuedMs };
  };
  return await withCluster(settings, run, work, { leaders });
}

async function startLoad(cluster: Cluster, options: Options): Promise<void> {
  const work = writesOf(options);
  if (options.rate !== undefined) await cluster.startOpenLoop(work, options.rate);
  else await cluster.startClosedLoop(work, options.outstanding);
}

function pointsOf(
  { groups, slow }: Cell,
  { rate, outstanding, valueBytes, shards, nodes, durability, machine, single }: Options,
  { before, during, after, catchUpMs }: Phases,
): Point[] {
  const load = rate === undefined ? { outstanding } : { rate };
  const calls = single ? "single" : "batched";
  const more = { ...load, valueBytes, shards, nodes, durability, machine, calls };
  const phases = [
    ["before", before],
    ["during", during],
    ["after", after],
  ] as const;
  return phases.map(([phase, window]) => ({
    settings: { groups, slow: describeSlowness(slow), phase, ...more },
    figures: {
      throughput: figure([window.perSecond], "/s", "higher"),
      p50: figure([window.writeLatencies.percentile(50)], "ms", "lower"),
      p99: figure([window.writeLatencies.percentile(99)], "ms", "lower"),
      leaderMemory: figure([window.rssPeakBytes / 1e6], "MB", "lower"),
      ...(phase === "after" && { catchUp: figure([catchUpMs], "ms", "lower") }),
      failed: failedFigure(window),
    },
    ...remarkOf(window),
  }));
}
