/**
 * One line of a data-driven test: a name, words, and `key=value` settings. A flag is a word: `campaign 1 force`.
 */
import assert from "node:assert/strict";
import type { NodeKey } from "../../src/base/index.ts";
import type { Message } from "../../src/raft/index.ts";
import type { Scene } from "./scene.ts";

export interface Command {
  readonly name: string;
  /** Shown where a test uses the command wrongly. */
  readonly usage: string;
  /** Does it and returns what is to be seen; nothing becomes "ok". */
  run(scene: Scene, args: CommandArgs): string;
}

export class CommandArgs {
  readonly words: readonly string[];
  private readonly settings: ReadonlyMap<string, string>;

  constructor(parts: readonly string[]) {
    this.words = parts.filter((part) => !part.includes("="));
    this.settings = new Map(
      parts
        .filter((part) => part.includes("="))
        .map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)]),
    );
  }

  /** The word at a position, as a number. */
  number(at: number): number {
    return toNumber(this.words[at]);
  }

  flag(word: string): boolean {
    return this.words.includes(word);
  }

  text(key: string): string | undefined {
    return this.settings.get(key);
  }

  setting(key: string, otherwise: number): number {
    const value = this.settings.get(key);
    return value === undefined ? otherwise : toNumber(value);
  }

  /** `key=1,2` as numbers; undefined where it is not given. */
  list(key: string): readonly number[] | undefined {
    const value = this.settings.get(key);
    if (value === undefined) return undefined;
    return value === "" ? [] : value.split(",").map(toNumber);
  }

  get keys(): readonly string[] {
    return [...this.settings.keys()];
  }

  /** Messages of the network chosen by `from`, `to`, `kind` and `term`. */
  matches(message: Message): boolean {
    const fits = (key: string, value: NodeKey): boolean => this.list(key)?.includes(value) ?? true;
    return (
      fits("from", message.from) &&
      fits("to", message.to) &&
      fits("term", message.term) &&
      (this.text("kind")?.split(",").includes(message.kind) ?? true)
    );
  }
}

function toNumber(text: string | undefined): number {
  const value = Number(text ?? Number.NaN);
  assert.ok(Number.isFinite(value), `expected a number, got ${String(text)}`);
  return value;
}
