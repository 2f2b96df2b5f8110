/**
 * The list of all commands, as text, with commands that end the worker in every way a program can.
 */
import { existsSync, writeFileSync } from "node:fs";
import type { CreateStateMachine } from "../../../src/index.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * True the first time that it is asked for a file: the command is replayed, its effect must not be.
 */
function firstTime(file: string): boolean {
  if (existsSync(file)) return false;
  writeFileSync(file, "");
  return true;
}

function actOn(command: string): void {
  const [name, file = ""] = command.split(" ");
  if (name === "exitOnce" && firstTime(file)) process.exit(3);
  if (name === "exitWhile" && existsSync(file)) process.exit(3);
  if (name === "throwLaterOnce" && firstTime(file)) {
    setImmediate(() => {
      throw new Error("thrown behind the engine's back");
    });
  }
  if (name === "poison") throw new Error("this command is poison");
}

export const createStateMachine: CreateStateMachine = () => {
  const commands: string[] = [];
  return {
    apply(entry) {
      const command = decoder.decode(entry.command);
      actOn(command);
      commands.push(command);
      return encoder.encode(String(commands.length));
    },
    query(query) {
      const text = decoder.decode(query);
      if (text === "poison") throw new Error("this query is poison");
      actOn(text);
      return encoder.encode(commands.join(","));
    },
    digest: () => commands.join(","),
  };
};
