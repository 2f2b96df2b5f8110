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
  if (name === "throwLaterOnce" && firstTime(file)) throwLater();
  if (name === "throwLaterWhile" && existsSync(file)) throwLater();
  if (name === "rejectWhile" && existsSync(file)) void rejectLater();
  if (name === "exitLaterWhile" && existsSync(file)) setTimeout(() => process.exit(3), 1);
  if (name === "poison") throw new Error("this command is poison");
}

function throwLater(): void {
  setImmediate(() => {
    throw new Error("thrown behind the engine's back");
  });
}

async function rejectLater(): Promise<void> {
  await Promise.resolve();
  throw new Error("rejected behind the engine's back");
}

/** A file that must not be there when group 2 is created: its machine ends the worker. */
const barrier = new URL(import.meta.url).searchParams.get("barrier");

export const createStateMachine: CreateStateMachine = ({ group }) => {
  if (group === 2 && barrier !== null && existsSync(barrier)) process.exit(3);
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
