/** What one must know of the machine and the sources to judge a result. */
import { execFile } from "node:child_process";
import { readFile, realpath } from "node:fs/promises";
import { availableParallelism, arch, cpus, release, totalmem, type } from "node:os";
import { promisify } from "node:util";
import type { Machine } from "./result.ts";

const run = promisify(execFile);
const unknown = "unknown";

/** `dir` is on the disk that is measured. */
export async function describeMachine(dir: string): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
    disk: await diskOf(dir),
  };
}

async function diskOf(dir: string): Promise<string> {
  try {
    return diskIn(await readFile("/proc/self/mountinfo", "utf8"), await realpath(dir));
  } catch {
    return "unknown";
  }
}

/**
 * File system and device of the mount that holds `path`, from the text of /proc/self/mountinfo,
 * whose lines have the mount point fifth, and after a dash the type and the source.
 */
export function diskIn(mountinfo: string, path: string): string {
  let best = "";
  let disk = "unknown";
  for (const line of mountinfo.split("\n")) {
    const [mount = "", source = ""] = line.split(" - ");
    const point = unescapeOctal(mount.split(" ")[4] ?? "");
    const [fileSystem = "unknown", device = "unknown"] = source.split(" ");
    // Of two mounts on the same place the later one covers the other.
    if (point === "" || point.length < best.length || !isWithin(path, point)) continue;
    best = point;
    disk = `${fileSystem} on ${unescapeOctal(device)}`;
  }
  return disk;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/** Spaces, tabs, newlines and backslashes stand there as `\040` and the like. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/**
 * The commit that these sources are of, with ` with changes` after it where tracked files differ;
 * `unknown` outside a repository.
 */
export async function describeCommit(cwd: string = import.meta.dirname): Promise<string> {
  const git = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run("git", args, { cwd, timeout: 10_000 });
    return stdout.trim();
  };
  try {
    // A package that lies unpacked in somebody else's repository has no commit of its own.
    if ((await git("ls-files", "--full-name", ":/bench/lib/machine.ts")) === "") {
      return unknown;
    }
    const commit = await git("rev-parse", "HEAD");
    const changes = await git("status", "--porcelain", "--untracked-files=no");
    return changes === "" ? commit : `${commit} with changes`;
  } catch {
    return unknown;
  }
}
