/** What is installed here, and what has to be built from our own sources to use it. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const timeoutMs = 120_000;

/** The sources beside this file; it runs as dist/bench/peers/installed.js. */
export const sourceDir: string = join(import.meta.dirname, "../../../bench/peers");

export function arePrograms(...names: readonly string[]): boolean {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return names.every((name) => folders.some((folder) => isExecutable(join(folder, name))));
}

/** Standard output of a program. @throws where it fails, with what it said. */
export function outputOf(command: string, ...options: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, options, { timeout: timeoutMs }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim());
      // Some compilers say what is wrong on their standard output.
      else
        reject(new Error(`${command} failed: ${`${stdout}\n${stderr}`.trim() || error.message}`));
    });
  });
}

/**
 * The folder that `build` filled, now or in an earlier run: it stands in the user's cache under the
 * hash of the sources and of the version that they were built against.
 */
export async function cachedBuild(
  name: string,
  version: string,
  sources: readonly string[],
  build: (into: string) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256").update(version);
  for (const source of sources) hash.update(await readFile(source));
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const dir = join(cache, "flotilla-bench", `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(dir)) return dir;
  await mkdir(join(cache, "flotilla-bench"), { recursive: true });
  const fresh = await mkdtemp(`${dir}.`);
  try {
    await build(fresh);
    await rename(fresh, dir);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return dir;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
