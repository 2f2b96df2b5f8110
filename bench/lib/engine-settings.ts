/** Options of the engine as settings of a benchmark: `--set blockBytesMax=4096,65536`. */
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { messageOf, resolveOptions } from "../../src/base/index.ts";
import type { OptionTable } from "../../src/base/index.ts";
import { engineOptionTable } from "../../src/index.ts";
import type { EngineTuning } from "../../src/index.ts";

/** By option. */
export type EngineSettings = Readonly<Record<string, string | number>>;
type EngineLists = Readonly<Record<string, readonly (string | number)[]>>;

/** Benchmarks have their own, so that a cluster can tell its nodes apart by them. */
const others: Readonly<Record<string, string>> = {
  shards: "--shards",
  durability: "--durability",
};

export function addEngineOption(command: Command): void {
  command.option(
    "--set <name=list>",
    "an option of the engine and its values; again for another option",
    engineListArgument,
    {},
  );
}

/** @throws InvalidArgumentError where the engine would refuse one of the values. */
export function engineListArgument(text: string, before: EngineLists): EngineLists {
  const [, name = "", list = ""] = /^(\w+)=(.+)$/.exec(text.trim()) ?? [];
  if (name === "") throw new InvalidArgumentError("must be NAME=VALUE, or NAME=VALUE,VALUE,…");
  const instead = others[name];
  if (instead !== undefined) throw new InvalidArgumentError(`${name} is set by ${instead}`);
  const table: OptionTable = engineOptionTable;
  const values = list.split(",").map((part) => {
    const value = table[name]?.kind === "integer" ? Number(part) : part.trim();
    try {
      tuningOf({ [name]: value });
    } catch (error) {
      throw new InvalidArgumentError(messageOf(error));
    }
    return value;
  });
  return { ...before, [name]: [...new Set(values)] };
}

/** Every combination of the lists; one without any option where there are none. */
export function engineSettingsOf(lists: EngineLists): EngineSettings[] {
  let all: EngineSettings[] = [{}];
  for (const [name, values] of Object.entries(lists)) {
    all = all.flatMap((settings) => values.map((value) => ({ ...settings, [name]: value })));
  }
  return all;
}

/** @throws ERR_OPTION_INVALID */
export function tuningOf(settings: EngineSettings): EngineTuning {
  return resolveOptions(engineOptionTable, settings);
}
