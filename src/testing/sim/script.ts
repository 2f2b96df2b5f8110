/**
 * A run as text, in the form of the data-driven tests: the world's settings, then what is done to
 * it and when, then `----` and what came of it.
 *
 *      world seed=7 nodes=3 durability=strict
 *      at=0 create 1 a members=a,b,c
 *      at=1250000 crash b power
 *      ----
 *      ok
 *
 * Times are in simulated microseconds. What the lines do not say (delays, which frames are lost) is
 * drawn from the seed. Lines can be taken away and the rest still runs.
 */
import { RaftError } from "../../base/index.ts";

/** One line: a name, words, and `key=value` settings. */
export class Line {
  readonly name: string;
  readonly words: readonly string[];
  private readonly settings: ReadonlyMap<string, string>;

  constructor(text: string) {
    const words: string[] = [];
    const settings = new Map<string, string>();
    for (const part of text.trim().split(/\s+/)) {
      const equals = part.indexOf("=");
      if (equals === -1) words.push(part);
      else settings.set(part.slice(0, equals), part.slice(equals + 1));
    }
    const [name = "", ...rest] = words;
    this.name = name;
    this.words = rest;
    this.settings = settings;
  }

  get keys(): Iterable<string> {
    return this.settings.keys();
  }

  word(at: number): string {
    const word = this.words[at];
    if (word === undefined) throw scriptInvalid(`"${this.name}" lacks its word ${at + 1}`);
    return word;
  }

  number(at: number): number {
    return this.toNumber(this.word(at));
  }

  flag(word: string): boolean {
    return this.words.includes(word);
  }

  text(key: string): string | undefined {
    return this.settings.get(key);
  }

  setting(key: string, otherwise?: number): number {
    const text = this.settings.get(key);
    if (text !== undefined) return this.toNumber(text);
    if (otherwise !== undefined) return otherwise;
    throw scriptInvalid(`"${this.name}" lacks ${key}=`);
  }

  list(key: string): readonly string[] {
    const text = this.settings.get(key);
    return text === undefined || text === "" ? [] : text.split(",");
  }

  private toNumber(text: string): number {
    const value = text === "forever" ? Number.POSITIVE_INFINITY : Number(text);
    if (Number.isNaN(value)) throw scriptInvalid(`"${this.name}": "${text}" is no number`);
    return value;
  }
}

export interface Script {
  /** The line of the world's settings. */
  readonly world: string;
  /** The lines after it, each with its `at=`. */
  readonly actions: readonly string[];
  /** What the run is expected to say; empty where nothing is written. */
  readonly expected: string;
}

export function parseScript(text: string): Script {
  const lines = text.split("\n").map((line) => line.trimEnd());
  const given = lines.filter((line) => line !== "" && !line.startsWith("#"));
  const end = given.indexOf("----");
  const commands = end === -1 ? given : given.slice(0, end);
  const [world = "", ...actions] = commands;
  if (new Line(world).name !== "world") throw scriptInvalid('it does not begin with "world"');
  const expected = end === -1 ? "" : given.slice(end + 1).join("\n");
  return { world, actions, expected };
}

export function formatScript({ world, actions, expected }: Script): string {
  return `${[world, ...actions, "----", expected].join("\n")}\n`;
}

export function scriptInvalid(fault: string): RaftError {
  return new RaftError("ERR_OPTION_INVALID", `The script of a simulation is wrong: ${fault}`);
}
