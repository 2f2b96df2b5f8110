/**
 * Compiles what stands beside this file in C: parts of a machine that fails. Built anew by each
 * test that needs it, into a folder of the test.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "../tidy/source-tree.ts";

/** Why nothing can be compiled here, or undefined where it can. */
export function whyNotBuildable(): string | undefined {
  const { error, status } = spawnSync("cc", ["--version"], { stdio: "ignore" });
  if (error !== undefined) return `there is no C compiler: ${error.message}`;
  return status === 0 ? undefined : `cc --version ended with code ${status}`;
}

/** Builds `<name>.c` into a folder; returns the path of the program, or of the library. */
export function buildNative(name: string, kind: "program" | "library", into: string): string {
  const output = join(into, kind === "library" ? `${name}.so` : name);
  const flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-pthread"];
  if (kind === "library") flags.push("-shared", "-fPIC");
  const source = join(root, "test/native", `${name}.c`);
  const { status, stderr, error } = spawnSync("cc", [...flags, "-o", output, source], {
    encoding: "utf8",
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`cannot build ${name}: ${error?.message ?? stderr}`);
  return output;
}
