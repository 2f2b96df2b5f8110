/**
 * A small file system: a tmpfs in a mount namespace of its own. The namespace is held by a process
 * that ends when this one does, however that is, so that no mount can stay behind.
 *
 *      this process ──stdin──► holder (namespace, tmpfs) ◄──nsenter── processes on the disk
 */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Why nothing can be mounted here, or undefined where it can. */
export function whyNotMountable(): string | undefined {
  const script = "mount -t tmpfs -o size=64k tmpfs /mnt && nsenter --version";
  const { error, status, stderr } = spawnSync("unshare", ["--mount", "sh", "-c", script], {
    encoding: "utf8",
    timeout: 10_000,
  });
  if (error !== undefined) return `unshare does not run: ${error.message}`;
  return status === 0 ? undefined : `a tmpfs cannot be mounted here: ${stderr.trim()}`;
}

export class SmallDisk implements AsyncDisposable {
  /** Where it is mounted, for processes that run under `command`. */
  readonly dir: string;
  private readonly holder: ChildProcess;

  private constructor(dir: string, holder: ChildProcess) {
    this.dir = dir;
    this.holder = holder;
  }

  /** `dir` is created where it is missing, and stays empty for everybody else. */
  static async mount(dir: string, bytes: number): Promise<SmallDisk> {
    mkdirSync(dir, { recursive: true });
    const script = 'mount -t tmpfs -o "size=$1" tmpfs "$0" && echo mounted && exec cat';
    const arguments_ = ["--mount", "sh", "-c", script, dir, `${bytes}`];
    const holder = spawn("unshare", arguments_, { stdio: ["pipe", "pipe", "inherit"] });
    const ended = once(holder, "close").then(() => {
      throw new Error(`cannot mount ${bytes} bytes on ${dir}`);
    });
    await Promise.race([once(holder.stdout, "data"), ended]);
    ended.catch(() => {});
    return new SmallDisk(dir, holder);
  }

  /** Stands before a command that shall have the disk. */
  get command(): string[] {
    return ["nsenter", `--mount=/proc/${this.holder.pid}/ns/mnt`, `--wd=${process.cwd()}`];
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.outside(""));
    return bavail * bsize;
  }

  /** Leaves so many bytes free; less than there were. */
  fillUpTo(freeBytes: number): void {
    writeFileSync(this.outside("ballast"), new Uint8Array(this.freeBytes - freeBytes));
  }

  /** Frees what `fillUpTo` took. */
  free(): void {
    rmSync(this.outside("ballast"), { force: true });
  }

  /** Deletes a file of the disk. */
  remove(name: string): void {
    rmSync(this.outside(name));
  }

  /** Deletes everything. */
  clear(): void {
    for (const name of readdirSync(this.outside(""))) {
      rmSync(this.outside(name), { recursive: true });
    }
  }

  /** A path on the disk, for processes outside of its namespace. */
  private outside(name: string): string {
    return join(`/proc/${this.holder.pid}/root`, this.dir, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.holder, "close");
    this.holder.stdin?.end();
    await ended;
  }
}
