/** `npm run native-bench`: the floors of this machine by themselves. */
import { tmpdir } from "node:os";
import CliTable from "cli-table3";
import { Command, InvalidArgumentError, Option } from "commander";
import pc from "picocolors";
import { Progress, exitCodes, runProgram } from "../src/cli/index.ts";
import { floorNames, measureFloors } from "./lib/floors.ts";
import type { FloorName } from "./lib/floors.ts";
import { describeCommit, describeMachine } from "./lib/machine.ts";
import type { BenchResult, Point } from "./lib/result.ts";

interface NativeOptions {
  readonly dir: string;
  readonly seconds: number;
  readonly only?: FloorName;
  readonly json?: boolean;
}

const figureNames = ["rate", "bandwidth", "p50", "p99", "cpu"] as const;

const program = new Command("native-bench")
  .description(
    "What this machine can do at best, measured in C: disk, LMDB, loopback, CRC-32C, memory",
  )
  .option("--dir <dir>", "on the disk to be measured", tmpdir())
  .option("--seconds <n>", "length of each point", seconds, 1)
  .addOption(new Option("--only <name>", "one floor alone").choices(floorNames))
  .option("--json", "print the result as one JSON object, the last line of stdout")
  .action(async (options: NativeOptions) => {
    const startedAt = new Date();
    const { points, remark } = await measure(options);
    if (points.length > 0) process.stdout.write(`${tableOf(points)}\n`);
    else process.exitCode = 1;
    if (remark !== "") process.stderr.write(`${pc.red(remark)}\n`);
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify(await resultOf(options, startedAt, points))}\n`);
    }
  });

function seconds(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 3_600) return value;
  throw new InvalidArgumentError("must be a number above 0, up to 3600");
}

/** One floor after the other, so that one sees how far it is. */
async function measure(options: NativeOptions): Promise<{ points: Point[]; remark: string }> {
  const progress = new Progress();
  const points: Point[] = [];
  const remarks = new Set<string>();
  try {
    for (const name of options.only === undefined ? floorNames : [options.only]) {
      progress.phase(name);
      const outcome = await measureFloors(options.dir, [name], options);
      points.push(...outcome.points);
      if (outcome.remark !== "") remarks.add(outcome.remark);
    }
  } finally {
    progress.end();
  }
  return { points, remark: [...remarks].join("\n") };
}

function tableOf(points: readonly Point[]): string {
  const table = new CliTable({
    head: ["floor", "setting", "rate /s", "MB/s", "p50 µs", "p99 µs", "CPU µs"],
    colAligns: ["left", "left", "right", "right", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const { settings, figures, remark = "" } of points) {
    const { floor = "", ...others } = settings;
    const cells = figureNames.map((name) => cellOf(figures[name]?.value));
    const setting = Object.values(others).join(" ");
    table.push([floor, remark === "" ? setting : `${setting} (${remark})`, ...cells]);
  }
  return table.toString();
}

function cellOf(value: number | undefined): string {
  if (value === undefined) return "";
  return value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 1 : 0 });
}

async function resultOf(
  options: NativeOptions,
  startedAt: Date,
  points: readonly Point[],
): Promise<BenchResult> {
  const { dir, only = "" } = options;
  return {
    format: 1,
    bench: "native",
    machine: await describeMachine(dir),
    commit: await describeCommit(),
    startedAt: startedAt.toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1_000,
    options: { dir, only, seconds: options.seconds },
    durability: "",
    floors: [],
    points,
  };
}

await runProgram(program, exitCodes.violation);
