/** Runs a command line, and ends with an exit code that says what kind of end it was. */
import { readFileSync } from "node:fs";
import { CommanderError } from "commander";
import type { Command } from "commander";
import pc from "picocolors";
import { messageOf } from "../base/index.ts";

/** The same for every command; 0 is success. */
export const exitCodes = {
  /** What was checked does not hold, or a measurement failed. */
  violation: 1,
  /** The command line is wrong, or names what cannot be read or written. Nothing was run. */
  usage: 2,
  /** The run ended without a verdict: it failed before its check, or its search was too short. */
  undecided: 3,
  /** Ended by a signal. */
  interrupted: 130,
} as const;

/** The run was told to end. */
export class Interrupted extends Error {
  constructor(signal: string) {
    super(`Ended by ${signal}`);
  }
}

/** The command line names something that cannot be used, as found before anything was run. */
export class UsageError extends Error {}

/**
 * Parses the process's arguments and runs what they ask for. A failure is one line on stderr, and
 * an exit code: `failure` if it is neither wrong usage nor an interruption.
 */
export async function runProgram(program: Command, failure: number): Promise<void> {
  throwExits(program);
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Its own text is on stderr already; help and version end with 0.
      process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
      return;
    }
    process.stderr.write(`${pc.red(messageOf(error))}\n`);
    if (error instanceof Interrupted) process.exitCode = exitCodes.interrupted;
    else process.exitCode = error instanceof UsageError ? exitCodes.usage : failure;
  }
}

/** Subcommands that are added as objects inherit nothing. */
function throwExits(command: Command): void {
  command.exitOverride();
  for (const sub of command.commands) throwExits(sub);
}

/** The version of this package. */
export function packageVersion(): string {
  // This file runs as dist/src/cli/run-program.js.
  const file = new URL("../../../package.json", import.meta.url);
  const { version }: { version: string } = JSON.parse(readFileSync(file, "utf8"));
  return version;
}
