/** What `tune` found, in words and as options to paste. */
import CliTable from "cli-table3";
import pc from "picocolors";
import { formatNumber } from "../lib/number-format.ts";
import type { BenchResult, Point } from "../lib/result.ts";
import { formatSetting, nameInWords } from "../report/format.ts";
import { isMarked } from "../report/tune-plot.ts";
import { describeGoal, describeLimit, meetsGoal } from "./goal.ts";
import type { Goal, Outcome } from "./goal.ts";
import { describeOptions, knobNames } from "./knobs.ts";

export function describeConclusion({ points }: BenchResult, goal: Goal): string {
  const chosen = points.find((point) => isMarked(point, "chosen"));
  const start = points.find((point) => isMarked(point, "default"));
  if (chosen === undefined) return pc.red("Nothing could be measured");
  const met = meetsGoal(goal, outcomeOf(chosen));
  const load = formatSetting("outstanding", chosen.settings["outstanding"] ?? 0);
  return [
    "The Pareto front: nothing that was tried has more throughput at less latency.",
    frontTable(points.filter((point) => isMarked(point, "front"))),
    "",
    met
      ? pc.green(`For ${describeGoal(goal)}:`)
      : pc.yellow(`Nothing that was tried has ${describeLimit(goal)}. The nearest:`),
    `${describeOutcome(chosen)}, with ${load} proposals under way over all nodes`,
    ...(start === undefined ? [] : [`${describeOutcome(start)} with the defaults`]),
    "",
    "For Engine.open:",
    describeOptions(chosen.settings),
  ].join("\n");
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
