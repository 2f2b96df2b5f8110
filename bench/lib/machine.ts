/** What one must know of the machine and the sources to judge a result. */
import { execFile } from "node:child_process";
import { cpus, release, totalmem, type } from "node:os";
import { promisify } from "node:util";
import type { Machine } from "./result.ts";

const execute = promisify(execFile);

/** The machine, and the disk that `dir` is on. */
export async function describeMachine(dir: string): Promise<Machine> {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()} ${process.arch}`,
    node: process.version,
    disk: await describeDisk(dir),
  };
}

async function describeDisk(dir: string): Promise<string> {
  const line = await lastLine("df", ["--output=fstype,source", dir]);
  const [kind, device] = line.split(/\s+/);
  return device === undefined ? "unknown" : `${kind} on ${device}`;
}

/** The commit of the sources; empty where there is no repository. */
export async function describeCommit(): Promise<string> {
  const git = ["-C", import.meta.dirname];
  const commit = await lastLine("git", [...git, "rev-parse", "--short", "HEAD"]);
  const changes = await lastLine("git", [...git, "status", "--porcelain", "-uno"]);
  return changes === "" ? commit : `${commit} with changes`;
}

async function lastLine(program: string, words: readonly string[]): Promise<string> {
  try {
    const { stdout } = await execute(program, words);
    return stdout.trimEnd().split("\n").at(-1)?.trim() ?? "";
  } catch {
    return "";
  }
}
