/** What the recovery phase asks a group to see whether it serves, as lines without time. */
import { Line } from "./script.ts";
import type { Script } from "./script.ts";

export interface Probes {
  /** @param place node and group */
  next(place: string): string[];
}

/** A write and a read of a register that nobody else uses. */
export class RegisterProbes implements Probes {
  private nextValue = 1;

  next(place: string): string[] {
    const value = `live${this.nextValue}`;
    this.nextValue += 1;
    return [`put ${place} live ${value}`, `get ${place} live`];
  }
}

/**
 * Commands of the script over again, so that a machine of which nothing is known gets nothing that
 * it might not understand; a script without any is not probed with one. The query may be empty: it
 * changes nothing, and what it throws is an answer.
 */
export class RepeatedProbes implements Probes {
  private readonly commands: readonly string[];
  private readonly query: string;
  private nextCommand = 0;

  constructor({ actions }: Script) {
    const lines = actions.map((text) => new Line(text.slice(text.indexOf(" ") + 1)));
    const bytesOf = (verb: string): string[] =>
      lines.filter(({ name }) => name === verb).map((line) => line.text("bytes") ?? "");
    this.commands = bytesOf("command");
    this.query = bytesOf("query")[0] ?? "";
  }

  next(place: string): string[] {
    const { commands, query } = this;
    const bytes = commands[this.nextCommand % Math.max(1, commands.length)];
    this.nextCommand += 1;
    const command = bytes === undefined ? [] : [`command ${place} bytes=${bytes}`];
    return [...command, `query ${place} bytes=${query}`];
  }
}
