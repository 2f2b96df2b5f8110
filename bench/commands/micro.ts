/** `micro`: single parts of the engine by themselves, to settle what a change in one of them did. */
import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import type { Benchmark, BenchRun, Measured } from "../lib/command.ts";
import { figure } from "../lib/result.ts";
import type { Figure, Point } from "../lib/result.ts";
import { blockWalkSuite } from "../micro/block-walk.ts";
import { checksumSuite } from "../micro/checksum.ts";
import { codecSuite } from "../micro/codec.ts";
import { coreStepSuite } from "../micro/core-step.ts";
import { frameDecoderSuite } from "../micro/frame-decoder.ts";
import { indexLookupSuite } from "../micro/index-lookup.ts";
import { logAppendSuite } from "../micro/log-append.ts";
import { mailboxSuite } from "../micro/mailbox.ts";
import { runCase } from "../micro/run-case.ts";
import type { MicroCase, MicroSuite } from "../micro/suite.ts";

export interface MicroOptions {
  /** Name of one suite; all of them where it is not given. */
  readonly only?: string;
  /** For each case. */
  readonly seconds: number;
}

export const suites: readonly MicroSuite[] = [
  codecSuite,
  frameDecoderSuite,
  blockWalkSuite,
  coreStepSuite,
  logAppendSuite,
  indexLookupSuite,
  mailboxSuite,
  checksumSuite,
];

export const micro: Benchmark<MicroOptions> = {
  name: "micro",
  summary:
    "parts of the engine by themselves: codec, frames, blocks, algorithm, log, mail, checksums",
  // Each case is sampled many times in a run.
  repeats: 1,
  configure(command: Command): void {
    command
      .addOption(
        new Option("--only <suite>", "one suite alone").choices(suites.map(({ name }) => name)),
      )
      .option("--seconds <n>", "about how long each case takes", secondsOf, 1);
  },
  async run({ only, seconds }: MicroOptions, { dir, progress }: BenchRun): Promise<Measured> {
    const points: Point[] = [];
    for (const suite of suites) {
      if (only !== undefined && only !== suite.name) continue;
      const prepared = await suite.prepare(dir);
      try {
        for (const microCase of prepared.cases) {
          progress.phase(`${suite.name}: ${microCase.name}`);
          points.push(await measureCase(suite.name, microCase, seconds));
        }
      } finally {
        await prepared.close?.();
      }
    }
    return { durability: "", points };
  },
};

function secondsOf(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 600) return value;
  throw new InvalidArgumentError("must be a number above 0, up to 600");
}

async function measureCase(suite: string, microCase: MicroCase, seconds: number): Promise<Point> {
  const { name, operation, operations, bytes } = microCase;
  const { samples, marginPercent } = await runCase(microCase, seconds);
  const each = samples.map((sample) => sample / operations);
  const figures: Record<string, Figure> = {
    rate: figure(
      each.map((sample) => 1 / sample),
      "/s",
      "higher",
    ),
    time: figure(
      each.map((sample) => sample * 1e9),
      "ns",
      "lower",
    ),
    margin: figure([marginPercent], "%", "lower"),
  };
  if (bytes !== undefined) {
    const bandwidths = each.map((sample) => bytes / sample / 1e6);
    figures["bandwidth"] = figure(bandwidths, "MB/s", "higher");
  }
  return { settings: { suite, case: name, operation }, figures };
}
