import type { Verdict } from "./hunt.ts";

const heads = ["mutant", "outcome", "by", "seeds", "seconds"] as const;
const byCharsMax = 72;

/** The verdicts as a table of text. Seeds are tried from 1 on: the one that fails is the count. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ name, outcome, by, seed, seconds }) => [
    name,
    outcome,
    by.split("\n")[0]?.slice(0, byCharsMax) ?? "",
    seed === undefined ? "" : String(seed),
    seconds.toFixed(1),
  ]);
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(heads), ...rows.map(line)].join("\n");
}
