/** A network of bad wires between nodes on this machine: the program of `bad-wire.c`. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import { makeTempDir } from "../fixtures/store-places.ts";
import { buildNative, whyNotBuildable } from "../native/build.ts";

/** What a wire does to packets in one direction. */
export interface Wire {
  readonly delayUs: number;
  readonly jitterUs: number;
  /** Chances in a million. */
  readonly lossPpm: number;
  readonly doublePpm: number;
  /** Some milliseconds behind later packets. */
  readonly latePpm: number;
  /** A bit is another one, which TCP's checksum shows. */
  readonly brokenPpm: number;
  /** A bit is another one, and the checksum matches. */
  readonly forgedPpm: number;
}

export const soundWire: Wire = {
  delayUs: 0,
  jitterUs: 0,
  lossPpm: 0,
  doublePpm: 0,
  latePpm: 0,
  brokenPpm: 0,
  forgedPpm: 0,
};
export const cutWire: Wire = { ...soundWire, lossPpm: 1_000_000 };

/** Packets by fate. */
export type PacketCounts = Readonly<Record<string, number>>;

/** Why there can be no such network here, or undefined where there can. */
export function whyNoNetwork(): string | undefined {
  const unbuildable = whyNotBuildable();
  if (unbuildable !== undefined) return unbuildable;
  // nsenter enters by the same right by which unshare makes.
  const script = "test -w /dev/net/tun && nsenter --version";
  const { error, status, stderr } = spawnSync("unshare", ["--net", "sh", "-c", script], {
    encoding: "utf8",
    timeout: 10_000,
  });
  if (error !== undefined) return `unshare does not run: ${error.message}`;
  return status === 0 ? undefined : `network namespaces are not allowed here: ${stderr.trim()}`;
}

export class BadNetwork implements AsyncDisposable {
  readonly names: readonly string[];
  private readonly program: ChildProcess;
  private readonly lines: Interface;
  private readonly spaces: readonly string[];
  private readonly folder: string;

  private constructor(names: readonly string[], { program, lines, spaces, folder }: Parts) {
    this.names = names;
    this.program = program;
    this.lines = lines;
    this.spaces = spaces;
    this.folder = folder;
  }

  static async open(names: readonly string[], seed: number): Promise<BadNetwork> {
    const folder = makeTempDir();
    try {
      const path = buildNative("bad-wire", "program", folder);
      const program = spawn(path, [`${names.length}`, `${seed}`], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      const lines = createInterface({ input: program.stdout });
      const spaces: string[] = [];
      await new Promise<void>((resolve, reject) => {
        program.once("error", reject);
        program.once("close", (code) => reject(new Error(`bad-wire ended with ${code}`)));
        lines.on("line", (line) => {
          if (spaces.push(line) === names.length) resolve();
        });
      });
      lines.removeAllListeners("line");
      return new BadNetwork(names, { program, lines, spaces, folder });
    } catch (error) {
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  /** Addresses by name. */
  get hosts(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.names.map((name, at) => [name, `10.99.0.${at + 1}`]));
  }

  /** By name: what stands before a command that shall run there. */
  get commands(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(
      this.names.map((name, at) => [name, ["nsenter", `--net=${this.spaces[at]}`]]),
    );
  }

  setWire(from: string, to: string, wire: Wire): void {
    const { delayUs, jitterUs, lossPpm, doublePpm, latePpm, brokenPpm, forgedPpm } = wire;
    const chances = [lossPpm, doublePpm, latePpm, brokenPpm, forgedPpm];
    const ends = [this.names.indexOf(from) + 1, this.names.indexOf(to) + 1];
    this.tell(["wire", ...ends, delayUs, jitterUs, ...chances].join(" "));
  }

  setLink(name: string, state: "up" | "down"): void {
    this.tell(`link ${this.names.indexOf(name) + 1} ${state}`);
  }

  /** Every wire the same. */
  setAll(wire: Wire): void {
    for (const from of this.names) {
      for (const to of this.names) if (from !== to) this.setWire(from, to, wire);
    }
  }

  async counts(): Promise<PacketCounts> {
    const answer = once(this.lines, "line");
    this.tell("count");
    const [line]: unknown[] = await answer;
    return JSON.parse(String(line));
  }

  private tell(line: string): void {
    this.program.stdin?.write(`${line}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.program.exitCode === null && this.program.signalCode === null) {
      const ended = once(this.program, "close");
      this.program.stdin?.end();
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface Parts {
  readonly program: ChildProcess;
  readonly lines: Interface;
  readonly spaces: readonly string[];
  readonly folder: string;
}
