/** `tune`: good settings of the engine for this machine, its disk and a limit that the user gives. */
import { InvalidArgumentError } from "commander";
import { messageOf } from "../../src/base/index.ts";
import { integerArgument } from "../../src/cli/index.ts";
import type { Benchmark, BenchRun, Measured } from "../lib/command.ts";
import {
  addCallOptions,
  addMachineOption,
  addNodeCountOption,
  addSpanOptions,
  limits,
  numberArgument,
} from "../lib/load-options.ts";
import { tuneRemarks } from "../report/tune-plot.ts";
import { describeConclusion } from "../tune/conclusion.ts";
import { describeGoal, goalFrom, parseLatency, parseThroughput } from "../tune/goal.ts";
import type { Goal } from "../tune/goal.ts";
import { defaultSettings, tuneKnobs } from "../tune/knobs.ts";
import { paretoFront } from "../tune/pareto.ts";
import { search } from "../tune/search.ts";
import { TuneRun } from "../tune/tune-run.ts";
import type { TuneWork } from "../tune/tune-run.ts";

interface Options extends TuneWork {
  /** In ms. */
  readonly p99?: number;
  readonly throughput?: number;
  readonly report?: string;
}

export const tune: Benchmark<Options> = {
  name: "tune",
  summary: "the engine's options for a limit on latency or throughput, found on this disk",
  repeats: 1,
  configure(command) {
    command
      .option("--p99 <time>", "the most throughput within it: 5ms, 800us", argument(parseLatency))
      .option("--throughput <rate>", "the least p99 with it: 200k", argument(parseThroughput))
      .option("--minutes <n>", "the search ends within", numberArgument(0.01, 1_440), 10)
      .option("--groups <n>", "Raft groups", integerArgument(...limits.groups), 1_000)
      .option("--value-bytes <n>", "size of a value", integerArgument(...limits.valueBytes), 16)
      .option("--report <file>", "write a page with the plot of the search");
    addCallOptions(command);
    addNodeCountOption(command);
    addMachineOption(command);
    addSpanOptions(command, { seconds: 3, warmUp: 2 });
  },
  async run(options, run): Promise<Measured> {
    return await tuneFor(goalFrom({ ...options }), options, run);
  },
  async conclude(result, options) {
    if (options.report !== undefined) {
      const { writePage } = await import("../report/write-report.ts");
      await writePage([result], options.report);
    }
    return describeConclusion(result, goalFrom({ ...options }));
  },
};

function argument(parse: (text: string) => number): (text: string) => number {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(messageOf(error));
    }
  };
}

async function tuneFor(goal: Goal, work: TuneWork, run: BenchRun): Promise<Measured> {
  const tuning = new TuneRun(work, run);
  run.progress.phase(`${describeGoal(goal)}: ${tuning.describePlan()}`);
  const { trials, start, chosen, baseline, proven, settled } = await search({
    goal,
    start: defaultSettings(),
    knobs: tuneKnobs(),
    baselineOf: ({ outstanding }) => ({ ...defaultSettings(), outstanding }),
    mayTry: (reserved) => tuning.mayTry(reserved),
    measure: (settings, best) => tuning.measure(settings, best),
  });
  if (!settled) run.progress.phase("time is out; with more --minutes it may get better");
  const front = new Set(paretoFront(trials));
  const points = trials.flatMap((trial) => {
    const words = [
      ...(trial === start ? [tuneRemarks.default] : []),
      ...(front.has(trial) ? [tuneRemarks.front] : []),
      ...(trial === baseline ? [tuneRemarks.baseline] : []),
      ...(trial === chosen ? [tuneRemarks.chosen] : []),
      ...(trial === chosen && !proven ? [tuneRemarks.unproven] : []),
    ];
    return tuning.pointOf(trial, words);
  });
  const modes = new Set(trials.map(({ settings }) => settings.durability));
  return { durability: [...modes].join(", "), points };
}
