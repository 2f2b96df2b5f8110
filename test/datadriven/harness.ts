/**
 * Runs a data-driven text file (the idea is etcd's): paragraphs of commands, `----`, and the output they are expected to give.
 * `npm test -- --rewrite` writes what was seen in place of what was expected; the diff is then read by a human.
 *
 *      # Paragraphs without a ---- are remarks.
 *      campaign 1
 *      ----
 *      ok
 */
import assert from "node:assert/strict";
import { RaftError } from "../../src/base/index.ts";
import { CommandArgs } from "./command.ts";
import type { Command } from "./command.ts";
import { commands } from "./commands/index.ts";
import { Scene } from "./scene.ts";

const separator = "----";
const byName: ReadonlyMap<string, Command> = new Map(commands.map((one) => [one.name, one]));

/** The text of the file as it would have to be for its cases to pass. */
export function runDataDriven(text: string): string {
  const scene = new Scene();
  const paragraphs = text.trimEnd().split(/\n\n+/);
  return `${paragraphs.map((paragraph) => runParagraph(scene, paragraph)).join("\n\n")}\n`;
}

function runParagraph(scene: Scene, paragraph: string): string {
  const lines = paragraph.split("\n");
  const end = lines.indexOf(separator);
  if (end === -1) return paragraph;
  const given = lines.slice(0, end);
  const output = given
    .filter((line) => !line.startsWith("#"))
    .map((line) => runLine(scene, line))
    .filter((seen) => seen !== "");
  return [...given, separator, ...(output.length === 0 ? ["ok"] : output)].join("\n");
}

function runLine(scene: Scene, line: string): string {
  const [name = "", ...parts] = line.trim().split(/\s+/);
  const command = byName.get(name);
  assert.ok(command !== undefined, `"${line}": there is no command ${name}`);
  try {
    return command.run(scene, new CommandArgs(parts));
  } catch (error) {
    if (error instanceof RaftError) return `${error.code}: ${error.message}`;
    throw new Error(`"${line}" failed; usage: ${command.usage}`, { cause: error });
  }
}
