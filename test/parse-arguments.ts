/**
 * `parseArgs` for the commands of the tests: wrong usage ends with exit code 2, since 1 says that
 * something did not hold.
 */
import { parseArgs } from "node:util";
import type { ParseArgsConfig } from "node:util";

export function parseArguments<T extends ParseArgsConfig>(
  config: T,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    return failUsage(error instanceof Error ? error.message : String(error));
  }
}

/** Does what the command line asks for before the run, such as opening a file. */
export function orUsage<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    return failUsage(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function failUsage(fault: string): never {
  process.stderr.write(`${fault}\n`);
  process.exit(2);
}
