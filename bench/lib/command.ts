/** What the command line of the suite knows of a benchmark. */
import type { Command } from "commander";
import type { Progress } from "../../src/cli/index.ts";
import type { BenchResult, Point } from "./result.ts";

/** What a benchmark gets to work with. */
export interface BenchRun {
  readonly progress: Progress;
  /** A temporary directory on the disk to be measured, removed after the run. */
  readonly dir: string;
  /**
   * Aborted on Ctrl-C: every process that the benchmark started must be gone soon after, and its
   * promise settled.
   */
  readonly signal: AbortSignal;
}

export interface Measured {
  readonly durability: string;
  readonly floors?: readonly Point[];
  readonly points: readonly Point[];
}

export interface Benchmark<Options> {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** How often it runs where `--repeat` does not say; see there. @default 3 */
  readonly repeats?: number;
  /** Adds its own options, with their defaults, to a command that has the common ones. */
  configure(command: Command): void;
  run(options: Options, run: BenchRun): Promise<Measured>;
  /** What is to be said below the table of the whole result, and done with it besides. */
  conclude?(result: BenchResult, options: Options): Promise<string>;
}
