/** How many proposals a second, with a fixed number of them under way. */
import { measureUnderLoad } from "../lib/cluster/measure-under-load.ts";
import type { Benchmark, BenchRun, Measured } from "../lib/command.ts";
import { costFigures, failedFigure, failedRemark, latencyFigures } from "../lib/load-figures.ts";
import {
  addCallOptions,
  addClusterOptions,
  integersArgument,
  limits,
} from "../lib/load-options.ts";
import type { CallOptions, ClusterOptions } from "../lib/load-options.ts";
import { figure } from "../lib/result.ts";
import type { Point } from "../lib/result.ts";
import { writesOf } from "../lib/work.ts";

interface Options extends ClusterOptions, CallOptions {
  readonly groups: readonly number[];
  readonly valueBytes: readonly number[];
  readonly outstanding: readonly number[];
  readonly shards: readonly number[];
}

interface Cell {
  readonly groups: number;
  readonly valueBytes: number;
  readonly outstanding: number;
  readonly shards: number;
}

export const throughput: Benchmark<Options> = {
  name: "throughput",
  summary: "proposals a second in a closed loop, over a grid of settings",
  configure(command) {
    command
      .option("--groups <list>", "Raft groups", integersArgument(...limits.groups), [1_000])
      .option(
        "--value-bytes <list>",
        "size of a value",
        integersArgument(...limits.valueBytes),
        [16],
      )
      .option(
        "--outstanding <list>",
        "proposals under way at any time, over all nodes",
        integersArgument(...limits.outstanding),
        [24_576],
      )
      .option("--shards <list>", "worker threads a node", integersArgument(...limits.shards), [1]);
    addCallOptions(command);
    addClusterOptions(command);
  },
  async run(options, run): Promise<Measured> {
    const points: Point[] = [];
    for (const cell of cellsOf(options)) points.push(await measureCell(cell, options, run));
    return { durability: options.durability, points };
  },
};

/** Every combination of the lists. */
function cellsOf({ groups, valueBytes, outstanding, shards }: Options): Cell[] {
  return shards.flatMap((shardCount) =>
    groups.flatMap((groupCount) =>
      valueBytes.flatMap((bytes) =>
        outstanding.map((underway) => ({
          groups: groupCount,
          valueBytes: bytes,
          outstanding: underway,
          shards: shardCount,
        })),
      ),
    ),
  );
}

async function measureCell(cell: Cell, options: Options, run: BenchRun): Promise<Point> {
  const { nodes, durability, machine, single } = options;
  const window = await measureUnderLoad(
    { nodes, durability, machine, groups: cell.groups, shards: cell.shards },
    {
      ...options,
      what: `${cell.outstanding} proposals of ${cell.valueBytes} B under way`,
      start: (cluster) =>
        cluster.startClosedLoop(writesOf({ ...options, ...cell }), cell.outstanding),
    },
    run,
  );
  return {
    settings: { ...cell, nodes, durability, machine, calls: single ? "single" : "batched" },
    figures: {
      throughput: figure([window.perSecond], "/s", "higher"),
      ...latencyFigures(window.writeLatencies),
      ...costFigures(window, "Proposal"),
      failed: failedFigure(window),
    },
    ...failedRemark(window),
  };
}
