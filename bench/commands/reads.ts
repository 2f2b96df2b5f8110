/** Reads of each consistency: how many a second, and how long one takes. */
import { integerArgument } from "../../src/cli/index.ts";
import { measureUnderLoad } from "../lib/cluster/measure-under-load.ts";
import type { Benchmark, BenchRun, Measured } from "../lib/command.ts";
import { costFigures, failedFigure, latencyFigures, remarkOf } from "../lib/load-figures.ts";
import {
  addCallOptions,
  addClusterOptions,
  consistencies,
  consistencyArgument,
  integersArgument,
  limits,
  listArgument,
} from "../lib/load-options.ts";
import type { CallOptions, ClusterOptions } from "../lib/load-options.ts";
import type { ReadConsistency } from "../lib/load/load.ts";
import { figure } from "../lib/result.ts";
import type { Point } from "../lib/result.ts";
import { readsOf } from "../lib/work.ts";

interface Options extends ClusterOptions, CallOptions {
  readonly consistency: readonly ReadConsistency[];
  readonly groups: readonly number[];
  readonly outstanding: readonly number[];
  readonly valueBytes: number;
  readonly shards: number;
}

interface Cell {
  readonly consistency: ReadConsistency;
  readonly groups: number;
  readonly outstanding: number;
}

export const reads: Benchmark<Options> = {
  name: "reads",
  summary: "reads of each consistency in a closed loop; one in flight tells the latency",
  configure(command) {
    command
      .option(
        "--consistency <list>",
        `what a read promises: ${consistencies.join(", ")}`,
        listArgument(consistencyArgument),
        [...consistencies],
      )
      .option("--groups <list>", "Raft groups", integersArgument(...limits.groups), [1_000])
      .option(
        "--outstanding <list>",
        "reads in flight at any time, over all nodes",
        integersArgument(...limits.outstanding),
        [1, 24_576],
      )
      .option(
        "--value-bytes <n>",
        "size of what is read, where the machine keeps values",
        integerArgument(...limits.valueBytes),
        16,
      )
      .option("--shards <n>", "worker threads a node", integerArgument(...limits.shards), 1);
    addCallOptions(command);
    addClusterOptions(command);
  },
  async run(options, run): Promise<Measured> {
    const points: Point[] = [];
    for (const consistency of options.consistency) {
      for (const groups of options.groups) {
        for (const outstanding of options.outstanding) {
          points.push(await measureReads({ consistency, groups, outstanding }, options, run));
        }
      }
    }
    return { durability: options.durability, points };
  },
};

async function measureReads(cell: Cell, options: Options, run: BenchRun): Promise<Point> {
  const { nodes, durability, machine, shards, valueBytes } = options;
  const { groups, consistency, outstanding } = cell;
  const window = await measureUnderLoad(
    { nodes, durability, machine, groups, shards },
    {
      ...options,
      what: `${outstanding} ${consistency} reads under way`,
      start: (cluster) => cluster.startClosedLoop(readsOf(options, consistency), outstanding),
    },
    run,
  );
  return {
    settings: {
      ...cell,
      valueBytes,
      shards,
      nodes,
      durability,
      machine,
      calls: readsOf(options, consistency).single ? "single" : "batched",
    },
    figures: {
      throughput: figure([window.perSecond], "/s", "higher"),
      ...latencyFigures(window.readLatencies),
      ...costFigures(window, "Read"),
      failed: failedFigure(window),
    },
    ...remarkOf(window),
  };
}
