/** A benchmark as a command: the options that all have, its run, and what is printed and saved. */
import { access, constants, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { Command } from "commander";
import { messageOf } from "../../src/base/index.ts";
import {
  Progress,
  UsageError,
  integerArgument,
  withTemporaryDirectory,
} from "../../src/cli/index.ts";
import type { Benchmark, Measured } from "./command.ts";
import { describeCommit, describeMachine } from "./machine.ts";
import { mergeRuns } from "./merge-runs.ts";
import type { BenchResult } from "./result.ts";
import { describeResult } from "./result-table.ts";

const repeatsDefault = 3;

interface CommonOptions {
  readonly dir: string;
  readonly repeat: number;
  readonly save?: string;
  readonly json?: true;
}

export function benchmarkCommand(benchmark: Benchmark<object>): Command {
  const command = new Command(benchmark.name)
    .description(benchmark.summary)
    .showHelpAfterError(`(bench ${benchmark.name} --help lists the options)`);
  benchmark.configure(command);
  return command
    .option("--dir <dir>", "a directory on the disk to be measured", tmpdir())
    .option(
      "--repeat <n>",
      "whole runs, one after another, so that each figure has a spread",
      integerArgument(1, 1_000),
      benchmark.repeats ?? repeatsDefault,
    )
    .option("--save <file>", "write the result, for compare and report")
    .option("--json", "print the result as one JSON object, the last line of stdout")
    .action(async (options: CommonOptions) => {
      const result = await measure(benchmark, options);
      process.stdout.write(`${describeResult(result)}\n`);
      if (options.save !== undefined) {
        await writeFile(options.save, `${JSON.stringify(result, undefined, 1)}\n`);
      }
      const conclusion = await benchmark.conclude?.(result, options);
      if (conclusion !== undefined) process.stdout.write(`\n${conclusion}\n`);
      if (options.json === true) process.stdout.write(`${JSON.stringify(result)}\n`);
    });
}

async function measure(benchmark: Benchmark<object>, common: CommonOptions): Promise<BenchResult> {
  const { json: _json, save, ...options } = common;
  // Better now than after the run, if they cannot be written to.
  await orSay("--dir", options.dir, access(options.dir, constants.W_OK));
  if (save !== undefined) await orSay("--save", save, writeFile(save, ""));
  const machine = await describeMachine(options.dir);
  const commit = await describeCommit();
  const started = new Date();
  const startMs = performance.now();
  const runs = await withProgress((progress) =>
    withTemporaryDirectory(
      { parent: options.dir, name: "flotilla-bench-" },
      async (dir, signal) => {
        const measured: Measured[] = [];
        for (let run = 1; run <= options.repeat; run += 1) {
          if (options.repeat > 1) progress.section(`run ${run} of ${options.repeat}`);
          measured.push(await benchmark.run(options, { progress, dir, signal }));
        }
        return measured;
      },
    ),
  );
  return {
    format: 1,
    bench: benchmark.name,
    machine,
    commit,
    startedAt: started.toISOString(),
    seconds: Math.round((performance.now() - startMs) / 100) / 10,
    options: { ...options },
    ...mergeRuns(runs),
  };
}

async function orSay(option: string, path: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new UsageError(`${option} ${path} cannot be written to: ${messageOf(error)}`);
  }
}

async function withProgress<T>(work: (progress: Progress) => Promise<T>): Promise<T> {
  const progress = new Progress();
  try {
    return await work(progress);
  } finally {
    progress.end();
  }
}
