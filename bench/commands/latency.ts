/**
 * How long proposals take at given rates. Open loop: each is due at its moment, and its latency
 * counts from there, so that a pause of the system is charged on everything that was due in it.
 */
import { InvalidArgumentError } from "commander";
import { integerArgument } from "../../src/cli/index.ts";
import type { LoadWindow } from "../lib/cluster/load-window.ts";
import { measureUnderLoad } from "../lib/cluster/measure-under-load.ts";
import type { Benchmark, BenchRun, Measured } from "../lib/command.ts";
import { addEngineOption, engineSettingsOf, tuningOf } from "../lib/engine-settings.ts";
import type { EngineSettings } from "../lib/engine-settings.ts";
import { addFloorsOption, latencyFloor } from "../lib/floor-share.ts";
import type { LatencyFloor } from "../lib/floor-share.ts";
import { costFigures, failedFigure, latencyFigures, remarkOf } from "../lib/load-figures.ts";
import {
  addCallOptions,
  addClusterOptions,
  integersArgument,
  limits,
  listArgument,
} from "../lib/load-options.ts";
import type { CallOptions, ClusterOptions } from "../lib/load-options.ts";
import { figure } from "../lib/result.ts";
import type { Point } from "../lib/result.ts";
import { writesOf } from "../lib/work.ts";

/** One proposal in flight at a time, each when the one before is answered. */
const one = "one";
type Rate = number | typeof one;

interface Options extends ClusterOptions, CallOptions {
  readonly rates: readonly Rate[];
  readonly groups: readonly number[];
  readonly valueBytes: number;
  readonly shards: number;
  readonly set: Readonly<Record<string, readonly (string | number)[]>>;
  readonly floors: boolean;
}

interface Cell {
  readonly rate: Rate;
  readonly groups: number;
  /** Options of the engine; its defaults where there are none. */
  readonly engine: EngineSettings;
}

export const latency: Benchmark<Options> = {
  name: "latency",
  summary: "how long proposals take at given rates, in an open loop",
  configure(command) {
    command
      .option(
        "--rates <list>",
        `proposals a second, over all nodes; "${one}" keeps one in flight at a time`,
        listArgument<Rate>(rateArgument),
        [one, 1_000, 10_000, 50_000],
      )
      .option("--groups <list>", "Raft groups", integersArgument(...limits.groups), [1_000])
      .option("--value-bytes <n>", "size of a value", integerArgument(...limits.valueBytes), 16)
      .option("--shards <n>", "worker threads a node", integerArgument(...limits.shards), 1);
    addCallOptions(command);
    addEngineOption(command);
    addClusterOptions(command);
    addFloorsOption(command);
  },
  async run(options, run): Promise<Measured> {
    const points: Point[] = [];
    const floor = options.floors ? await latencyFloor(options, run) : undefined;
    for (const engine of engineSettingsOf(options.set)) {
      for (const groups of options.groups) {
        for (const rate of options.rates) {
          const cell = { rate, groups, engine };
          points.push(pointOf(cell, options, await loadAt(cell, options, run), floor));
        }
      }
    }
    return { durability: options.durability, floors: floor?.floors ?? [], points };
  },
};

function rateArgument(text: string): Rate {
  if (text === one) return one;
  const rate = Number(text);
  if (text !== "" && rate >= 1 && rate <= 10_000_000) return rate;
  throw new InvalidArgumentError(`each must be "${one}" or a number from 1 to 10000000`);
}

async function loadAt(
  { rate, groups, engine }: Cell,
  options: Options,
  run: BenchRun,
): Promise<LoadWindow> {
  const { nodes, durability, machine, shards } = options;
  const work = writesOf(options);
  return await measureUnderLoad(
    { nodes, durability, machine, groups, shards, tuning: tuningOf(engine) },
    {
      ...options,
      what: rate === one ? "one proposal at a time" : `${rate} proposals a second`,
      start: (cluster) =>
        rate === one ? cluster.startClosedLoop(work, 1) : cluster.startOpenLoop(work, rate),
    },
    run,
  );
}

function pointOf(
  { engine, ...cell }: Cell,
  { nodes, durability, machine, shards, valueBytes, single }: Options,
  window: LoadWindow,
  floor: LatencyFloor | undefined,
): Point {
  const { rate } = cell;
  const calls = single ? "single" : "batched";
  const p50 = window.writeLatencies.percentile(50);
  return {
    settings: { ...cell, ...engine, valueBytes, shards, nodes, durability, machine, calls },
    figures: {
      achieved: figure([window.perSecond], "/s", "higher"),
      ...latencyFigures(window.writeLatencies),
      ...(floor?.ms !== undefined && { p50OverFloor: figure([p50 / floor.ms], "x", "lower") }),
      ...(floor?.sharedMs !== undefined && {
        p50OverSharedFloor: figure([p50 / floor.sharedMs], "x", "lower"),
      }),
      // Of a closed loop nothing can be late.
      ...(rate !== one && {
        sendDelayP50: figure([window.sendDelays.percentile(50)], "ms"),
        sendDelayP99: figure([window.sendDelays.percentile(99)], "ms"),
      }),
      ...costFigures(window, "Proposal"),
      failed: failedFigure(window),
    },
    ...remarkOf(window, floor?.remark),
  };
}
