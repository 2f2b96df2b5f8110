/** How many proposals a second, with a fixed number of them in flight. */
import type { LoadWindow } from "../lib/cluster/load-window.ts";
import { measureUnderLoad } from "../lib/cluster/measure-under-load.ts";
import type { Benchmark, BenchRun, Measured } from "../lib/command.ts";
import { addEngineOption, engineSettingsOf, tuningOf } from "../lib/engine-settings.ts";
import type { EngineSettings } from "../lib/engine-settings.ts";
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

/** What all points share. */
export type ProposalOptions = ClusterOptions & CallOptions;

interface Options extends ProposalOptions {
  readonly groups: readonly number[];
  readonly valueBytes: readonly number[];
  readonly outstanding: readonly number[];
  readonly shards: readonly number[];
  readonly set: Readonly<Record<string, readonly (string | number)[]>>;
  readonly floors: boolean;
}

export interface Cell {
  readonly groups: number;
  readonly valueBytes: number;
  readonly outstanding: number;
  readonly shards: number;
  /** Other options of the engine; its defaults where there are none. */
  readonly engine: EngineSettings;
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
        "proposals in flight at any time, over all nodes",
        integersArgument(...limits.outstanding),
        [24_576],
      )
      .option("--shards <list>", "worker threads a node", integersArgument(...limits.shards), [1]);
    addCallOptions(command);
    addEngineOption(command);
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
function cellsOf(lists: Options): Cell[] {
  return lists.shards.flatMap((shards) =>
    lists.groups.flatMap((groups) =>
      lists.valueBytes.flatMap((valueBytes) =>
        lists.outstanding.flatMap((outstanding) =>
          engineSettingsOf(lists.set).map((engine) => {
            return { groups, valueBytes, outstanding, shards, engine };
          }),
        ),
      ),
    ),
  );
}

/** One point: a new cluster under load. */
export async function measureCell(
  cell: Cell,
  options: ProposalOptions,
  run: BenchRun,
): Promise<Point> {
  return pointOf(cell, options, await loadCell(cell, options, run), undefined);
}

async function loadCell(
  { engine, ...cell }: Cell,
  options: ProposalOptions,
  run: BenchRun,
): Promise<LoadWindow> {
  const { nodes, durability, machine } = options;
  const { groups, shards } = cell;
  return await measureUnderLoad(
    { nodes, durability, machine, groups, shards, tuning: tuningOf(engine) },
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
  { engine, ...cell }: Cell,
  { nodes, durability, machine, single }: ProposalOptions,
  window: LoadWindow,
  share: FloorShare | undefined,
): Point {
  return {
    settings: {
      ...cell,
      ...engine,
      nodes,
      durability,
      machine,
      calls: single ? "single" : "batched",
    },
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
