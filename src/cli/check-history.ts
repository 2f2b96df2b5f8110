/** `flotilla check-history`: judges a file of client operations; `test/README.md` has its form. */
import { open } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import pc from "picocolors";
import { messageOf } from "../base/index.ts";
import {
  HistoryInvalid,
  checkIndexes,
  checkLocalReads,
  checkRegisters,
  describeFinding,
  describeViolation,
  parseOperation,
  stepsMaxDefault,
} from "../testing/index.ts";
import type { Finding, Operation } from "../testing/index.ts";
import { exitCodes } from "./run-program.ts";

/** Violations that are told in full. */
const describedMax = 5;

/** What one of the checks says: its line, and what it found in full. */
interface Verdict {
  readonly line: string;
  readonly violations: readonly string[];
  readonly undecided?: boolean | undefined;
}

export function checkHistoryProgram(): Command {
  return new Command("check-history")
    .description(
      "Checks a history of client operations: whether it is linearizable, agrees with the log " +
        "indexes that it names, and whether local reads keep their promises. " +
        `Exits ${exitCodes.violation} on a violation, ${exitCodes.usage} where the file cannot ` +
        `be read, ${exitCodes.undecided} where the steps do not suffice for a verdict.`,
    )
    .argument("<file>", "JSON lines, one operation a line; `flotilla demo --history` writes such")
    .option("--steps <n>", "steps that the search may take for each key", positive, stepsMaxDefault)
    .action(async (file: string, { steps }: { readonly steps: number }) => {
      let operations: readonly Operation[];
      try {
        operations = await readHistory(file);
      } catch (error) {
        process.stderr.write(`${pc.red(`Cannot read ${file}: ${messageOf(error)}`)}\n`);
        process.exitCode = exitCodes.usage;
        return;
      }
      report(file, operations, [
        judgeRegisters(operations, steps),
        judgeFindings("log indexes", () => checkIndexes(operations)),
        judgeFindings("local reads", () => checkLocalReads(operations)),
      ]);
    });
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("must be an integer of at least 1");
}

async function readHistory(path: string): Promise<Operation[]> {
  const file = await open(path);
  try {
    const operations: Operation[] = [];
    let number = 0;
    for await (const line of file.readLines()) {
      number += 1;
      if (line.trim() !== "") operations.push(parseOperation(line, number));
    }
    return operations;
  } finally {
    await file.close();
  }
}

function judgeRegisters(operations: readonly Operation[], stepsMax: number): Verdict {
  const { verdict, keys, steps, violations, undecided } = checkRegisters(operations, stepsMax);
  const counts = `${inWords(keys, "key")}, ${inWords(steps, "step")}`;
  const open = undecided.map(({ group, key }) => `group ${group} key ${JSON.stringify(key)}`);
  const lines = {
    linearizable: `linearizable: yes (${counts})`,
    violation: `linearizable: no, ${inWords(violations.length, "key")} of ${counts}`,
    undecided: `linearizable: undecided after ${counts}: ${open.slice(0, describedMax).join(", ")}`,
  };
  return {
    line: lines[verdict],
    violations: violations.map(describeViolation),
    undecided: open.length > 0,
  };
}

/** Not every history names indexes and has unique values; a check that needs them says so. */
function judgeFindings(what: string, find: () => readonly Finding[]): Verdict {
  try {
    const findings = find();
    const said = findings.length === 0 ? "agree" : `${inWords(findings.length, "contradiction")}`;
    return { line: `${what}: ${said}`, violations: findings.map(describeFinding) };
  } catch (error) {
    if (!(error instanceof HistoryInvalid)) throw error;
    return { line: `${what}: not checked: ${error.message}`, violations: [] };
  }
}

function report(
  file: string,
  operations: readonly Operation[],
  verdicts: readonly Verdict[],
): void {
  const without = (result: string): number =>
    operations.filter((operation) => operation.result === result).length;
  const lines = [
    `${file}: ${inWords(operations.length, "operation")}, ` +
      `${without("unknown")} of unknown outcome, ${without("none")} without effect`,
    ...verdicts.map(({ line }) => line),
  ];
  const violations = verdicts.flatMap((verdict) => verdict.violations);
  for (const violation of violations.slice(0, describedMax)) lines.push("", violation);
  const hidden = violations.length - describedMax;
  if (hidden > 0) lines.push("", `and ${hidden} more`);
  if (violations.length > 0) {
    lines.push("", pc.red("The history breaks the promises."));
    process.exitCode = exitCodes.violation;
  } else if (verdicts.some(({ undecided }) => undecided === true)) {
    lines.push("", pc.yellow("No verdict: give the search more --steps."));
    process.exitCode = exitCodes.undecided;
  } else lines.push(pc.green("The history keeps the promises."));
  process.stdout.write(`${lines.join("\n")}\n`);
}

function inWords(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}
