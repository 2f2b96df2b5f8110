/** What `tune` found, in words and as options to paste. */
import { stripVTControlCharacters } from "node:util";
import CliTable from "cli-table3";
import pc from "picocolors";
import { formatNumber } from "../lib/number-format.ts";
import type { BenchResult, Point } from "../lib/result.ts";
import { formatSetting, nameInWords } from "../report/format.ts";
import { isMarked } from "../report/tune-plot.ts";
import { describeGoal, describeLimit, goalFrom, meetsGoal } from "./goal.ts";
import type { Goal, Outcome } from "./goal.ts";
import { describeOptions, knobNames } from "./knobs.ts";

/** The same without colours and without the front: what a page shows first. */
export function plainConclusion({ points, options }: BenchResult): string {
  return stripVTControlCharacters(verdictOf(points, goalFrom(options)).join("\n"));
}

export function describeConclusion({ points }: BenchResult, goal: Goal): string {
  return [
    "The Pareto front: nothing that was tried has more throughput at less latency.",
    frontTable(points.filter((point) => isMarked(point, "front"))),
    "",
    ...verdictOf(points, goal),
  ].join("\n");
}

function verdictOf(points: readonly Point[], goal: Goal): string[] {
  const chosen = points.find((point) => isMarked(point, "chosen"));
  const baseline = points.find((point) => isMarked(point, "baseline"));
  const start = points.find((point) => isMarked(point, "default"));
  if (chosen === undefined) return [pc.red("Nothing could be measured")];
  const load = formatSetting("outstanding", chosen.settings["outstanding"] ?? 0);
  const proven = !isMarked(chosen, "unproven");
  const recommended = proven ? chosen : (baseline ?? start ?? chosen);
  return [
    meetsGoal(goal, outcomeOf(chosen))
      ? pc.green(`For ${describeGoal(goal)}:`)
      : pc.yellow(`Nothing that was tried has ${describeLimit(goal)}. The nearest:`),
    `${describeOutcome(chosen)}, with ${load} proposals in flight over all nodes`,
    ...(baseline === undefined || baseline === chosen
      ? []
      : [`${describeOutcome(baseline)} with the default options under the same load`]),
    ...(baseline === chosen ? ["No change of an option beat the defaults in every round."] : []),
    ...(proven
      ? []
      : [pc.yellow("Time ran out before it was compared with the defaults: give more --minutes.")]),
    "",
    "For Engine.open:",
    describeOptions(recommended.settings),
  ];
}

function outcomeOf({ figures }: Point): Outcome {
  return {
    throughput: figures["throughput"]?.value ?? 0,
    p99Ms: figures["p99"]?.value ?? Infinity,
  };
}

function describeOutcome(point: Point): string {
  const { throughput, p99Ms } = outcomeOf(point);
  return `${formatNumber(throughput)} proposals/s at a p99 of ${formatNumber(p99Ms)} ms`;
}

/** With the knobs that are not the same in all of them. */
function frontTable(front: readonly Point[]): string {
  const names = knobNames.filter((name) => {
    return new Set(front.map(({ settings }) => settings[name])).size > 1;
  });
  const table = new CliTable({
    head: ["proposals/s", "p99, ms", ...names.map(nameInWords)],
    style: { head: [], border: [], compact: true },
    colAligns: ["right", "right", ...names.map(() => "right" as const)],
  });
  for (const point of front.toSorted((a, b) => outcomeOf(a).p99Ms - outcomeOf(b).p99Ms)) {
    const { throughput, p99Ms } = outcomeOf(point);
    const settings = names.map((name) => formatSetting(name, point.settings[name] ?? ""));
    table.push([formatNumber(throughput), formatNumber(p99Ms), ...settings]);
  }
  return table.toString();
}
