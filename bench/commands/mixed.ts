/** Reads and writes together, each a call of its own. */
import { integerArgument } from "../../src/cli/index.ts";
import { measureUnderLoad } from "../lib/cluster/measure-under-load.ts";
import type { Benchmark, BenchRun, Measured } from "../lib/command.ts";
import { costFigures, failedFigure, latencyFigures, remarkOf } from "../lib/load-figures.ts";
import {
  addClusterOptions,
  consistencies,
  consistencyArgument,
  integersArgument,
  limits,
  listArgument,
  numberArgument,
} from "../lib/load-options.ts";
import type { ClusterOptions } from "../lib/load-options.ts";
import type { ReadConsistency } from "../lib/load/load.ts";
import { figure } from "../lib/result.ts";
import type { Point } from "../lib/result.ts";
import { mixtureOf } from "../lib/work.ts";

interface Options extends ClusterOptions {
  readonly readRatio: readonly number[];
  readonly consistency: ReadConsistency;
  readonly groups: number;
  readonly outstanding: readonly number[];
  readonly valueBytes: number;
  readonly shards: number;
}

export const mixed: Benchmark<Options> = {
  name: "mixed",
  summary: "reads and writes together in a closed loop",
  configure(command) {
    command
      .option(
        "--read-ratio <list>",
        "share of reads among the calls",
        listArgument(numberArgument(0.001, 0.999)),
        [0.5, 0.95],
      )
      .option(
        "--consistency <name>",
        `what a read promises: ${consistencies.join(", ")}`,
        consistencyArgument,
        consistencies[0],
      )
      .option("--groups <n>", "Raft groups", integerArgument(...limits.groups), 1_000)
      .option(
        "--outstanding <list>",
        "calls in flight at any time, over all nodes",
        integersArgument(...limits.outstanding),
        [24_576],
      )
      .option("--value-bytes <n>", "size of a value", integerArgument(...limits.valueBytes), 16)
      .option("--shards <n>", "worker threads a node", integerArgument(...limits.shards), 1);
    addClusterOptions(command);
  },
  async run(options, run): Promise<Measured> {
    const points: Point[] = [];
    for (const readRatio of options.readRatio) {
      for (const outstanding of options.outstanding) {
        points.push(await measureMixture({ readRatio, outstanding }, options, run));
      }
    }
    return { durability: options.durability, points };
  },
};

async function measureMixture(
  cell: { readonly readRatio: number; readonly outstanding: number },
  options: Options,
  run: BenchRun,
): Promise<Point> {
  const { nodes, durability, machine, shards, groups, valueBytes, consistency } = options;
  const { readRatio, outstanding } = cell;
  const work = mixtureOf(valueBytes, readRatio, consistency);
  const window = await measureUnderLoad(
    { nodes, durability, machine, groups, shards },
    {
      ...options,
      what: `${outstanding} calls under way, ${readRatio * 100} % of them reads`,
      start: (cluster) => cluster.startClosedLoop(work, outstanding),
    },
    run,
  );
  const { perSecond, readsPerSecond } = window;
  return {
    settings: { ...cell, consistency, groups, valueBytes, shards, nodes, durability, machine },
    figures: {
      throughput: figure([perSecond], "/s", "higher"),
      reads: figure([readsPerSecond], "/s", "higher"),
      writes: figure([perSecond - readsPerSecond], "/s", "higher"),
      ...latencyFigures(window.readLatencies, "read"),
      ...latencyFigures(window.writeLatencies, "write"),
      ...costFigures(window, "Call"),
      failed: failedFigure(window),
    },
    ...remarkOf(window),
  };
}
