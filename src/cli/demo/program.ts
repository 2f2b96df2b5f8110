/** `flotilla demo`: its arguments, its table and its exit code. */
import CliTable from "cli-table3";
import { Command, Option } from "commander";
import pc from "picocolors";
import { integerArgument } from "../arguments.ts";
import { Progress } from "../progress.ts";
import { exitCodes } from "../run-program.ts";
import { runDemo } from "./demo.ts";
import type { DemoResult } from "./demo.ts";
import type { DemoOptions } from "./demo-options.ts";
import { historySample } from "./history-sample.ts";

export function demoProgram(): Command {
  return new Command("demo")
    .description(
      "Three nodes on loopback: runs a load, kills one node and restarts it, then verifies that no acknowledged write was lost",
    )
    .option("--groups <n>", "Raft groups", integerArgument(1, 100_000), 1_000)
    .option("--seconds <n>", "length of the load", integerArgument(1, 86_400), 20)
    .option("--shards <n>", "worker threads of each node", integerArgument(1, 64), 1)
    .option("--value-bytes <n>", "size of a value", integerArgument(8, 1_000_000), 16)
    .option(
      "--outstanding <n>",
      "proposals in flight on each node",
      integerArgument(1, 60_000),
      16_384,
    )
    .option("--single", "one call a write, instead of one for all clients of a group", false)
    .addOption(
      new Option("--durability <mode>", "when a write counts as stored")
        .choices(["strict", "pipelined", "none"])
        .default("strict"),
    )
    .option(
      "--history <file>",
      `write what ${historySample}, did and read there, for check-history`,
    )
    .option("--json", "print the figures as one JSON object, the last line of stdout")
    .action(async ({ json, ...options }: DemoOptions & { readonly json?: boolean }) => {
      const progress = new Progress();
      let result: DemoResult;
      try {
        result = await runDemo(options, progress);
      } finally {
        progress.end();
      }
      process.stdout.write(`${describeResult(result)}\n`);
      if (json === true) process.stdout.write(`${JSON.stringify(result)}\n`);
      if (!result.ok) process.exitCode = exitCodes.violation;
    });
}

function describeResult(result: DemoResult): string {
  const { options } = result;
  const table = new CliTable({ style: { head: [], border: [] } });
  const number = (value: number): string => Math.round(value).toLocaleString("en");
  table.push(
    ["groups, nodes, shards a node", `${number(options.groups)}, 3, ${options.shards}`],
    ["durability, calls", `${options.durability}, ${options.single ? "single" : "batched"}`],
    ["proposals/s, all nodes up", number(result.proposalsPerSecond)],
    ["proposals/s, kill and catch-up included", number(result.proposalsPerSecondOverall)],
    ["latency p50 / p99", `${result.latencyP50Ms} / ${result.latencyP99Ms} ms`],
    ["CPU a proposal, three replicas and load", `${result.cpuMicrosPerProposal} µs`],
    ["fsyncs/s, all nodes", number(result.fsyncsPerSecond)],
    [
      `without a leader after the kill, p50 / worst of ${result.groupsWithoutLeader} groups`,
      `${number(result.leaderlessP50Ms)} / ${number(result.leaderlessWorstMs)} ms`,
    ],
    ["catch-up of the restarted node", `${number(result.catchUpMs)} ms`],
    ["restart of all nodes", `${number(result.restartMs)} ms`],
    ["bytes on disk, all nodes", number(result.bytesOnDisk)],
    ["acknowledged writes", number(result.acknowledged)],
    ["keys checked, on every replica, twice", number(result.keysChecked)],
  );
  const verdict = result.ok
    ? pc.green("Every acknowledged write is on all three replicas, before and after the restart.")
    : pc.red(["Writes are lost or differ:", ...result.violations].join("\n  "));
  return `${table.toString()}\n${verdict}`;
}
