/** `compare A B`: what two saved results say of each other. */
import CliTable from "cli-table3";
import { Command } from "commander";
import pc from "picocolors";
import { compareResults } from "./compare.ts";
import type { ComparedPoint, Comparison, Verdict } from "./compare.ts";
import { formatNumber } from "./number-format.ts";
import { readResult } from "./read-result.ts";
import type { BenchResult, Point } from "./result.ts";
import { commonSettings, describeSettings, figureInWords } from "./wording.ts";

const colours: Readonly<Record<Verdict, (text: string) => string>> = {
  better: pc.green,
  worse: pc.red,
  unclear: pc.dim,
  even: pc.dim,
  "": pc.dim,
};

export function compareCommand(): Command {
  return new Command("compare")
    .description(
      "compares two saved results, figure by figure: B / A, the least and the greatest ratio of " +
        "any run of B to any of A, and whether all of them say the same",
    )
    .argument("<A>", "a file that --save has written")
    .argument("<B>", "another, of the same benchmark")
    .option("--json", "print the comparison as one JSON object, the last line of stdout")
    .action(async (fileA: string, fileB: string, { json }: { readonly json?: true }) => {
      const [a, b] = await Promise.all([readResult(fileA), readResult(fileB)]);
      const comparison = compareResults(a, b);
      process.stdout.write(`${describeComparison(comparison, a, b)}\n`);
      if (json === true) process.stdout.write(`${JSON.stringify(comparison)}\n`);
      if (comparison.points.length === 0) process.exitCode = 1;
    });
}

function describeComparison(comparison: Comparison, a: BenchResult, b: BenchResult): string {
  const { points, onlyInA, onlyInB, doubts } = comparison;
  const common = commonSettings([...points, ...onlyInA, ...onlyInB]);
  const lines = [
    `${a.bench}: A at ${a.commit}, ${a.startedAt}`,
    `${" ".repeat(a.bench.length)}  B at ${b.commit}, ${b.startedAt}`,
    ...doubts.map((doubt) => pc.yellow(doubt)),
  ];
  if (Object.keys(common).length > 0) lines.push(describeSettings(common));
  for (const point of points) {
    lines.push("", describeSettings(point.settings, common), figuresTable(point));
  }
  for (const [where, only] of [
    ["A", onlyInA],
    ["B", onlyInB],
  ] as const) {
    lines.push(...only.map(({ settings }) => `only in ${where}: ${describe(settings, common)}`));
  }
  if (points.length === 0) lines.push(pc.yellow("No point stands in both."));
  return lines.join("\n");
}

function figuresTable({ figures }: ComparedPoint): string {
  const table = new CliTable({
    head: ["", "A", "B", "B / A", "least – greatest", ""],
    style: { head: [], border: [], compact: true },
    colAligns: ["left", "right", "right", "right", "right", "left"],
  });
  for (const { name, unit, a, b, ratio, low, high, verdict } of figures) {
    table.push([
      figureInWords(name, unit),
      formatNumber(a),
      formatNumber(b),
      formatNumber(ratio),
      `${formatNumber(low)} – ${formatNumber(high)}`,
      colours[verdict](verdict),
    ]);
  }
  return table.toString();
}

/** A point that is like all others but for nothing still needs a name. */
function describe(settings: Point["settings"], common: Point["settings"]): string {
  const text = describeSettings(settings, common);
  return text === "" ? describeSettings(settings) : text;
}
