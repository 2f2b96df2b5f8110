/** Options that benchmarks of a loaded cluster share, and what becomes of them. */
import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import { integerArgument } from "../../src/cli/index.ts";
import { durabilities, machines } from "./cluster/cluster-settings.ts";
import type { ClusterSettings } from "./cluster/cluster-settings.ts";
import type { ReadConsistency } from "./load/load.ts";

export interface NodesOptions {
  readonly nodes: number;
  readonly durability: ClusterSettings["durability"];
}

/** `counts` are the numbers of nodes to choose from. */
export function addNodesOptions(command: Command, counts?: readonly number[]): void {
  addNodeCountOption(command, counts);
  command.addOption(
    new Option("--durability <mode>", "when a write counts as stored")
      .choices(durabilities)
      .default("strict"),
  );
}

export function addNodeCountOption(command: Command, counts: readonly number[] = [1, 3, 5]): void {
  command.addOption(
    new Option("--nodes <n>", "node processes, each with a replica of every group")
      .argParser(oneOf(counts))
      .default(3),
  );
}

/** With fewer nodes a group does not outlive the loss of one. */
export const nodesWithSpare = [3, 5] as const;

export interface MachineOption {
  readonly machine: ClusterSettings["machine"];
}

export function addMachineOption(command: Command): void {
  command.addOption(
    new Option("--machine <name>", "state machine: the least that is possible, or flotilla/kv")
      .choices(machines)
      .default("checksum"),
  );
}

export interface ClusterOptions extends NodesOptions, MachineOption {
  readonly seconds: number;
  readonly warmUp: number;
}

export function addClusterOptions(command: Command, counts?: readonly number[]): void {
  addNodesOptions(command, counts);
  addMachineOption(command);
  addSpanOptions(command);
}

/** How long a point takes. */
export function addSpanOptions(command: Command, { seconds = 5, warmUp = 3 } = {}): void {
  command
    .option("--seconds <n>", "length of the measurement", numberArgument(0.1, 86_400), seconds)
    .option("--warm-up <n>", "seconds of load before it", numberArgument(0, 86_400), warmUp);
}

export function numberArgument(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`must be a number from ${min} to ${max}`);
  };
}

function oneOf(values: readonly number[]): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (values.includes(value)) return value;
    throw new InvalidArgumentError(`must be one of ${values.join(", ")}`);
  };
}

/** `1,10,100`: each is checked by `item`, and stands there once. */
export function listArgument<T>(item: (text: string) => T): (text: string) => T[] {
  return (text) => {
    const values = text.split(",").map((part) => item(part.trim()));
    if (new Set(values).size < values.length) {
      throw new InvalidArgumentError("names a value twice");
    }
    return values;
  };
}

export function integersArgument(min: number, max: number): (text: string) => number[] {
  return listArgument(integerArgument(min, max));
}

export const consistencies = ["linearizable", "local"] as const;

export function consistencyArgument(text: string): ReadConsistency {
  const found = consistencies.find((name) => name === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`must be one of ${consistencies.join(", ")}`);
}

export interface CallOptions {
  readonly single: boolean;
  readonly batch: number;
}

export function addCallOptions(command: Command): void {
  command
    .option(
      "--single",
      "one call a proposal or read, instead of one for what a group has ready",
      false,
    )
    .option("--batch <n>", "the most in one call", integerArgument(...limits.batch), 256);
}

export const limits = {
  groups: [1, 100_000],
  valueBytes: [8, 1_000_000],
  outstanding: [1, 1_000_000],
  shards: [1, 64],
  batch: [1, 100_000],
} as const;
