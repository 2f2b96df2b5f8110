/** A disk that fails when told to: the library of `failing-disk.c`, and its rule. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTempDir } from "../fixtures/store-places.ts";
import { buildNative } from "./build.ts";

export interface DiskFault {
  readonly action: "EIO" | "ENOSPC" | "short" | "lie" | "hang" | "kill" | "count";
  readonly kind: "write" | "flush" | "size" | "any";
  /** The first call that it befalls, from 1 on; by default all of them. */
  readonly first?: number;
  readonly last?: number;
}

const forever = 1_000_000_000;

export class FailingDisk implements Disposable {
  /** Files below it are on the disk. */
  readonly dir: string;
  private readonly place: string = makeTempDir();
  private readonly library: string;
  private readonly ruleFile: string;
  private readonly countFile: string;

  /** `dir` is a folder of the caller's, or undefined for one that goes with this object. */
  constructor(dir?: string) {
    this.dir = dir ?? join(this.place, "disk");
    this.ruleFile = join(this.place, "rule");
    this.countFile = join(this.place, "count");
    this.library = buildNative("failing-disk", "library", this.place);
  }

  /** What a process needs in its environment to have its files on this disk. */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.library,
      FAILING_DISK_RULE: this.ruleFile,
      FAILING_DISK_COUNT: this.countFile,
    };
  }

  /** A command that stands before another one, whose files are then on this disk. */
  get command(): string[] {
    return ["env", ...Object.entries(this.environment).map(([name, value]) => `${name}=${value}`)];
  }

  /** From now on. Running processes see it at their next call; their counts start anew. */
  fail({ action, kind, first = 1, last = forever }: DiskFault): void {
    this.rule(`${action} ${kind} ${first} ${last} ${this.dir}`);
  }

  recover(): void {
    this.rule("");
  }

  /** Calls seen since the action "count" was told; forgets them. */
  takeCalls(): number {
    if (!existsSync(this.countFile)) return 0;
    const calls = Number(readFileSync(this.countFile, "utf8"));
    rmSync(this.countFile);
    return calls;
  }

  /** A reader meets the old line or the new one, never half of one. */
  private rule(line: string): void {
    writeFileSync(`${this.ruleFile}.new`, `${line}\n`);
    renameSync(`${this.ruleFile}.new`, this.ruleFile);
  }

  [Symbol.dispose](): void {
    // A process that still hangs goes on without a rule, and ends.
    rmSync(this.place, { recursive: true, force: true });
  }
}
