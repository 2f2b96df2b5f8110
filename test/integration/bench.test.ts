/** Benchmarks of a loaded cluster, with tiny sizes: what they print, and what they leave. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { readResult } from "../../bench/lib/read-result.ts";
import { BenchDisk } from "./bench-process.ts";

const disk = new BenchDisk();
const saved = join(disk.dir, "saved.json");
const tiny = ["--warm-up", "0", "--no-floors", ...disk.once];

after(() => disk[Symbol.dispose]());

test("throughput saves and prints one result with all that identifies it", async () => {
  const load = ["--groups", "4", "--outstanding", "2,8", "--seconds", "0.2", "--save", saved];
  const { code, stdout, stderr } = await disk.run("throughput", ...load, ...tiny);
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
  disk.assertEmpty();
});

test("a result compares with itself", async () => {
  const { code, stdout, stderr } = await disk.run("compare", saved, saved);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /throughput, \/s .* 1\.00 /);
});

test("a result becomes a page and drawings", async () => {
  const page = join(disk.dir, "pages", "report.html");
  const drawings = join(disk.dir, "drawings");
  const { code, stdout, stderr } = await disk.run(
    "report",
    saved,
    "--out",
    page,
    "--svg",
    drawings,
  );
  assert.equal(code, 0, stderr);
  const files = ["throughput-load.svg", "throughput-outstanding.svg"];
  assert.deepEqual(readdirSync(drawings).sort(), files);
  assert.deepEqual(stdout.trim().split("\n").sort(), [
    ...files.map((file) => join(drawings, file)),
    page,
  ]);
  assert.match(readFileSync(page, "utf8"), /^<!doctype html>/);
  const missing = await disk.run("report", join(disk.dir, "none.json"));
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /Cannot read a result from .*none\.json/);
});

test("tune gives options to paste and draws its search, and needs a limit", async () => {
  const page = join(disk.dir, "tune.html");
  const work = ["--groups", "3", "--seconds", "0.2", "--warm-up", "0", "--minutes", "0.02"];
  const place = ["--dir", disk.dir, "--report", page];
  const { code, stdout, stderr } = await disk.run("tune", "--p99", "1s", ...work, ...place);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /For Engine\.open:\n\{\n {2}durability: "\w+",\n {2}shards: \d+,\n/);
  assert.match(readFileSync(page, "utf8"), /Pareto front/);
  disk.assertEmpty();
  const without = await disk.run("tune", "--dir", disk.dir);
  assert.equal(without.code, 2);
  assert.match(without.stderr, /tune needs either --p99, as --p99 5ms, or --throughput/);
});

test("latency measures a rate and one proposal at a time", async () => {
  const load = ["--groups", "3", "--rates", "one,200", "--seconds", "0.5"];
  const { code, stdout, stderr } = await disk.run("latency", ...load, ...tiny);
  assert.equal(code, 0, stderr);
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  assert.match(last, /"rate":"one".*"rate":200/);
  assert.match(last, /"sendDelayP99"/);
  disk.assertEmpty();
});

test("reads go together, so that more can be in flight than calls", async () => {
  const load = ["--groups", "3", "--outstanding", "250000", "--seconds", "0.2"];
  const { code, stdout, stderr } = await disk.run(
    "reads",
    "--consistency",
    "linearizable",
    ...load,
    ...tiny.filter((word) => word !== "--no-floors"),
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout.trimEnd().split("\n").at(-1) ?? "", /"calls":"batched"/);
  disk.assertEmpty();
});

test("an interrupted run leaves neither a directory nor a process", async () => {
  const words = ["throughput", "--groups", "3", "--seconds", "600", ...tiny];
  await disk.interrupt("measuring", ...words);
});
