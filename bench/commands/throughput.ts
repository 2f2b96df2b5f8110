/** How many proposals a second, with a fixed number of them under way. */
import type { LoadWindow } from "../lib/cluster/load-window.ts";
import { measureUnderLoad } from "../lib/cluster/measure-under-load.ts";
import type { Benchmark, BenchRun, Measured } from "../lib/command.ts";
import { addFloorsOption, writeShare } from "../lib/floor-share.ts";
import type { FloorShare } from "../lib/floor-share.ts";
import { costFigures, failedFigure, latencyFigures, remarkOf } from "../lib/load-figures.ts";
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
  readonly floors: boolean;
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
    addFloorsOption(command);
  },
  async run(options, run): Promise<Measured> {
    const points: Point[] = [];
    const floors: Point[] = [];
    for (const cell of cellsOf(options)) {
      const window = await loadCell(cell, options, run);
      const share = options.floors ? await writeShare(window, options, run) : undefined;
      floors.push(...(share?.floors ?? []));
      points.push(pointOf(cell, options, window, share));
    }
    return { durability: options.durability, floors, points };
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

async function loadCell(cell: Cell, options: Options, run: BenchRun): Promise<LoadWindow> {
  const { nodes, durability, machine } = options;
  return await measureUnderLoad(
    { nodes, durability, machine, groups: cell.groups, shards: cell.shards },
    {
      ...options,
      what: `${cell.outstanding} proposals of ${cell.valueBytes} B under way`,
      start: (cluster) =>
        cluster.startClosedLoop(writesOf({ ...options, ...cell }), cell.outstanding),
    },
    run,
  );
}

function pointOf(
  cell: Cell,
  { nodes, durability, machine, single }: Options,
  window: LoadWindow,
  share: FloorShare | undefined,
): Point {
  return {
    settings: { ...cell, nodes, durability, machine, calls: single ? "single" : "batched" },
    figures: {
      throughput: figure([window.perSecond], "/s", "higher"),
      ...share?.figures,
      ...latencyFigures(window.writeLatencies),
      ...costFigures(window, "Proposal"),
      failed: failedFigure(window),
    },
    ...remarkOf(window, share?.remark),
  };
}
