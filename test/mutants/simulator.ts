/** The simulator as a program: how it is asked, and how its answer is read. */
import type { Ending } from "./child.ts";

/** The compiled command line of the simulator, from the repository's root. */
export const simulatorPath = "dist/test/sim/main.js";

/** Seeds that a mutant is hunted with, unless it says otherwise. */
export const seedsDefault = 300;

/** Seeds from the one to the other, both included. */
export interface SeedRange {
  readonly from: number;
  readonly to: number;
}

export function simulatorArgs({ from, to }: SeedRange, more: readonly string[]): string[] {
  // A failing script need not be short: nobody reads it here.
  const once = ["--json", "--stop-at-first", "--shrink-runs", "0"];
  return ["--seeds", `${from}..${to}`, ...once, ...more];
}

export type Sighting =
  | { readonly kind: "clean" }
  | { readonly kind: "failed"; readonly seed: number; readonly invariant: string }
  /** It ended in a way that it has no words for. */
  | { readonly kind: "crashed"; readonly message: string }
  | { readonly kind: "timedOut" };

/** What a run of the simulator says. A run cut short says nothing, however slow the machine. */
export function readSighting({ code, timedOut, stdout, stderr }: Ending): Sighting {
  if (timedOut) return { kind: "timedOut" };
  const report = parse(lastLine(stdout));
  const failures: readonly unknown[] = Array.isArray(report["failures"]) ? report["failures"] : [];
  const failure = fieldsOf(failures[0]);
  const { seed, invariant } = failure;
  if (code === 0 && failures.length === 0 && "failures" in report) return { kind: "clean" };
  if (code === 1 && typeof seed === "number") {
    return { kind: "failed", seed, invariant: String(invariant) };
  }
  return { kind: "crashed", message: messageIn(stderr) ?? `exit code ${code}` };
}

function messageIn(stderr: string): string | undefined {
  const lines = stderr.split("\n").map((line) => line.trim());
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.findLast((line) => line !== "");
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}

function parse(line: string): Partial<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return fieldsOf(value);
  } catch {
    return {};
  }
}

function fieldsOf(value: unknown): Partial<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
