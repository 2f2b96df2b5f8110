/** What groups cost that nobody uses: CPU, messages, flushes, memory. */
import { integerArgument } from "../../src/cli/index.ts";
import type { Cluster } from "../lib/cluster/cluster.ts";
import { groupsForEachShard } from "../lib/cluster/heap.ts";
import type { HeapBytes } from "../lib/cluster/heap.ts";
import type { LoadWindow } from "../lib/cluster/load-window.ts";
import { withEmptyCluster } from "../lib/cluster/with-cluster.ts";
import type { Benchmark, BenchRun, Measured } from "../lib/command.ts";
import { addNodesOptions, integersArgument, limits, numberArgument } from "../lib/load-options.ts";
import type { NodesOptions } from "../lib/load-options.ts";
import { figure } from "../lib/result.ts";
import type { Point } from "../lib/result.ts";

interface Options extends NodesOptions {
  readonly groups: readonly number[];
  readonly shards: number;
  readonly seconds: number;
  readonly settle: number;
}

export const idle: Benchmark<Options> = {
  name: "idle",
  summary: "what groups cost a node while nobody uses them",
  configure(command) {
    command
      .option("--groups <list>", "Raft groups", integersArgument(...limits.groups), [1_000, 10_000])
      .option("--shards <n>", "worker threads a node", integerArgument(...limits.shards), 1)
      .option("--seconds <n>", "length of the measurement", numberArgument(0.1, 86_400), 10)
      .option(
        "--settle <n>",
        "seconds between the creation of the groups and the measurement",
        numberArgument(0, 86_400),
        5,
      );
    addNodesOptions(command);
  },
  async run(options, run): Promise<Measured> {
    const points: Point[] = [];
    for (const groups of options.groups) points.push(await measureIdle(groups, options, run));
    return { durability: options.durability, points };
  },
};

async function measureIdle(groups: number, options: Options, run: BenchRun): Promise<Point> {
  const { nodes, durability, shards, seconds, settle } = options;
  const { progress } = run;
  const settings = { nodes, durability, shards, groups, machine: "heap" } as const;
  return await withEmptyCluster(settings, run, async (cluster) => {
    // Memory is compared with that of a node which has run all the code that groups need: its
    // compiled form is no cost of a group.
    const first = Math.max(groupsForEachShard(shards), Math.floor(groups / 10));
    const few = Math.min(first, groups);
    progress.phase(`creating ${groups} groups`);
    await cluster.createGroups({ count: few });
    const before = await heaps(cluster);
    await cluster.createGroups({ first: few });
    progress.phase("letting them settle");
    await cluster.sleep(settle * 1_000);
    progress.phase("measuring");
    const window = await cluster.measure(seconds * 1_000);
    const leaders = await leadersOf(cluster);
    const after = few < groups ? await heaps(cluster) : undefined;
    const more = after?.map(({ heapBytes }, at) => heapBytes - (before[at]?.heapBytes ?? 0)) ?? [];
    return {
      settings: { groups, shards, nodes, durability },
      figures: {
        ...trafficFigures(window, nodes),
        ...(after !== undefined && {
          heapPerGroup: figure([meanOf(more) / (groups - few)], "B", "lower"),
          residentMemory: figure([meanOf(after.map(({ rssBytes }) => rssBytes)) / 1e6], "MB"),
        }),
      },
      ...(leaders < groups && { remark: `only ${leaders} groups had a leader` }),
    };
  });
}

async function leadersOf(cluster: Cluster): Promise<number> {
  const all = await Promise.all(cluster.names.map((name) => cluster.counters(name)));
  return all.reduce((sum, { leaders }) => sum + leaders, 0);
}

/** Of each node: its answer takes full collections, so it is never asked while it is measured. */
async function heaps(cluster: Cluster): Promise<HeapBytes[]> {
  return await Promise.all(
    cluster.names.map((name) => cluster.node(name).ask<HeapBytes>({ kind: "heap" })),
  );
}

/** Of one node, on the average. */
function trafficFigures({ used, seconds }: LoadWindow, nodes: number): Point["figures"] {
  const each = (count: number): number => count / seconds / nodes;
  return {
    cpu: figure([each(used.cpuMicros) / 1e4], "%", "lower"),
    sent: figure([each(used.bytesSent)], "B/s", "lower"),
    frames: figure([each(used.framesSent)], "/s", "lower"),
    messages: figure([each(used.messagesSent)], "/s", "lower"),
    flushes: figure([each(used.flushes)], "/s", "lower"),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
