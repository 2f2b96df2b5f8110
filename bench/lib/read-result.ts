/** Results that were saved, read again and checked: a file may come from anywhere. */
import { readFile } from "node:fs/promises";
import { messageOf } from "../../src/base/index.ts";
import { UsageError } from "../../src/cli/index.ts";
import type { BenchResult, Figure, Machine, Point } from "./result.ts";

/** @throws Error that names the file and says what is wrong with it. */
export async function readResult(file: string): Promise<BenchResult> {
  try {
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    checkResult(value);
    return value;
  } catch (error) {
    throw new UsageError(`Cannot read a result from ${file}: ${messageOf(error)}`);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkResult(value: unknown): asserts value is BenchResult {
  if (!isRecord(value)) throw new Error("it holds no object");
  const { format, bench, machine, floors, points } = value;
  if (format !== 1) throw new Error(`its format is ${JSON.stringify(format)}, and 1 is known`);
  if (typeof bench !== "string") throw new Error("it names no benchmark");
  for (const name of ["commit", "startedAt", "durability"]) {
    if (typeof value[name] !== "string") throw new Error(`${name} is not text`);
  }
  if (typeof value["seconds"] !== "number") throw new Error("seconds is not a number");
  if (!isRecord(value["options"])) throw new Error("options is not an object");
  if (!isMachine(machine)) throw new Error("machine is not complete");
  if (!arePoints(points)) throw new Error("points are not all points");
  if (!arePoints(floors)) throw new Error("floors are not all points");
}

function isMachine(value: unknown): value is Machine {
  if (!isRecord(value)) return false;
  const texts = ["cpu", "system", "node", "disk"].map((name) => value[name]);
  const numbers = [value["cores"], value["memoryBytes"]];
  return (
    texts.every((text) => typeof text === "string") &&
    numbers.every((number) => typeof number === "number")
  );
}

function arePoints(value: unknown): value is readonly Point[] {
  return Array.isArray(value) && value.every(isPoint);
}

function isPoint(value: unknown): value is Point {
  if (!isRecord(value)) return false;
  const { settings, figures, remark } = value;
  return (
    isRecord(settings) &&
    Object.values(settings).every((one) => typeof one === "string" || typeof one === "number") &&
    isRecord(figures) &&
    Object.values(figures).every(isFigure) &&
    (remark === undefined || typeof remark === "string")
  );
}

function isFigure(value: unknown): value is Figure {
  if (!isRecord(value)) return false;
  const { better, samples, unit } = value;
  return (
    typeof value["value"] === "number" &&
    typeof unit === "string" &&
    (better === "higher" || better === "lower" || better === "neither") &&
    Array.isArray(samples) &&
    samples.every((sample) => typeof sample === "number")
  );
}
