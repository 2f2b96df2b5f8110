/** The bench suite as its users run it, with tiny sizes: what it prints, and what it leaves. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readResult } from "../../bench/lib/read-result.ts";

const main = fileURLToPath(new URL("../../bench/main.js", import.meta.url));
const disk = mkdtempSync(join(tmpdir(), "flotilla-bench-test-"));
const saved = join(disk, "saved.json");
const tiny = ["--warm-up", "0", "--repeat", "1", "--no-floors", "--dir", disk, "--json"];

after(() => rmSync(disk, { recursive: true, force: true }));

async function bench(
  ...words: readonly string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exited, stdout, stderr };
}

function directoriesLeft(): string[] {
  return readdirSync(disk).filter((name) => name.startsWith("flotilla-bench-"));
}

test("throughput saves and prints one result with all that identifies it", async () => {
  const load = ["--groups", "4", "--outstanding", "2,8", "--seconds", "0.2", "--save", saved];
  const { code, stdout, stderr } = await bench("throughput", ...load, ...tiny);
  assert.equal(code, 0, stderr);
  const printed: unknown = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
  const result = await readResult(saved);
  assert.deepEqual(printed, result);
  assert.equal(result.bench, "throughput");
  assert.equal(result.durability, "strict");
  assert.deepEqual(
    result.points.map(({ settings }) => settings["outstanding"]),
    [2, 8],
  );
  for (const { figures } of result.points) {
    assert.ok((figures["throughput"]?.value ?? 0) > 0);
    assert.ok((figures["p50"]?.value ?? 0) > 0);
    assert.ok((figures["cpuPerProposal"]?.value ?? 0) > 0);
    assert.equal(figures["failed"]?.value, 0);
  }
  assert.deepEqual(directoriesLeft(), []);
});

test("a result compares with itself", async () => {
  const { code, stdout, stderr } = await bench("compare", saved, saved);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /throughput, \/s .* 1\.00 /);
});

test("a result becomes a page and drawings", async () => {
  const page = join(disk, "pages", "report.html");
  const drawings = join(disk, "drawings");
  const { code, stdout, stderr } = await bench("report", saved, "--out", page, "--svg", drawings);
  assert.equal(code, 0, stderr);
  const files = ["throughput-load.svg", "throughput-outstanding.svg"];
  assert.deepEqual(readdirSync(drawings).sort(), files);
  assert.deepEqual(stdout.trim().split("\n").sort(), [
    ...files.map((file) => join(drawings, file)),
    page,
  ]);
  assert.match(readFileSync(page, "utf8"), /^<!doctype html>/);
  const missing = await bench("report", join(disk, "none.json"));
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /Cannot read a result from .*none\.json/);
});

test("tune gives options to paste and draws its search, and needs a limit", async () => {
  const page = join(disk, "tune.html");
  const work = ["--groups", "3", "--seconds", "0.2", "--warm-up", "0", "--minutes", "0.02"];
  const place = ["--dir", disk, "--report", page];
  const { code, stdout, stderr } = await bench("tune", "--p99", "1s", ...work, ...place);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /For Engine\.open:\n\{\n {2}durability: "\w+",\n {2}shards: \d+,\n/);
  assert.match(readFileSync(page, "utf8"), /Pareto front/);
  assert.deepEqual(directoriesLeft(), []);
  const without = await bench("tune", "--dir", disk);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /tune needs either --p99, as --p99 5ms, or --throughput/);
});

test("latency measures a rate and one proposal at a time", async () => {
  const load = ["--groups", "3", "--rates", "one,200", "--seconds", "0.5"];
  const { code, stdout, stderr } = await bench("latency", ...load, ...tiny);
  assert.equal(code, 0, stderr);
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  assert.match(last, /"rate":"one".*"rate":200/);
  assert.match(last, /"sendDelayP99"/);
  assert.deepEqual(directoriesLeft(), []);
});

test("an interrupted run leaves neither a directory nor a process", async () => {
  const words = ["throughput", "--groups", "3", "--seconds", "600", ...tiny];
  const child = spawn(process.execPath, [main, ...words], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  // The nodes inherit stderr: its end means that the last of them is gone.
  const closed = new Promise((resolve) => child.stderr.once("close", resolve));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    const before = said.includes("measuring");
    said += chunk;
    if (!before && said.includes("measuring")) child.kill("SIGINT");
  });
  assert.equal(await exited, 130, said);
  await closed;
  assert.match(said, /Ended by SIGINT/);
  assert.deepEqual(directoriesLeft(), []);
});
