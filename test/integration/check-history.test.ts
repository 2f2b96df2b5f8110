/** `flotilla check-history` as a user runs it, on what the demo wrote among others. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { root } from "../tidy/source-tree.ts";

const main = join(root, "dist/src/cli/main.js");
const folder = mkdtempSync(join(tmpdir(), "flotilla-history-"));
after(() => rmSync(folder, { recursive: true }));

function flotilla(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const options = { encoding: "utf8", timeout: 180_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], options);
  return { code: status, stdout, stderr };
}

function fileOf(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
  return path;
}

const put =
  '{"client":"a","group":0,"key":"k","call":0,"return":5,"kind":"put","arguments":{"value":"1"},"result":"done","index":2}';
const get = (value: string): string =>
  `{"client":"b","group":0,"key":"k","call":6,"return":9,"kind":"get","arguments":{},"result":{"value":${value}},"index":2}`;

test("check-history passes what is linearizable", () => {
  const { code, stdout } = flotilla("check-history", fileOf("good", [put, get('"1"')]));
  assert.equal(code, 0);
  assert.match(
    stdout,
    /linearizable: yes \(1 key, 2 steps\)\nlog indexes: agree\nlocal reads: agree/,
  );
});

test("check-history tells a violation and exits 1", () => {
  const { code, stdout } = flotilla("check-history", fileOf("bad", [put, get("null")]));
  assert.equal(code, 1);
  assert.match(stdout, /linearizable: no/);
  assert.match(stdout, /group 0, key "k": not linearizable after 2 operations/);
  assert.match(stdout, /at index 2 the key held "1"; nobody wrote null/);
});

test("check-history names the line of a malformed file, and a missing file, and exits 2", () => {
  const cut = flotilla("check-history", fileOf("cut", [put, put.slice(0, 50)]));
  assert.deepEqual([cut.code, cut.stdout], [2, ""]);
  assert.match(cut.stderr, /Cannot read .*cut: line 2: not JSON/);
  const missing = flotilla("check-history", join(folder, "nowhere"));
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /ENOENT/);
});

test("check-history exits 3 where the steps do not suffice", () => {
  const { code, stdout } = flotilla(
    "check-history",
    "--steps",
    "1",
    fileOf("open", [put, get('"1"')]),
  );
  assert.equal(code, 3);
  assert.match(stdout, /linearizable: undecided/);
});

test("the history of a demo keeps the promises", () => {
  const path = join(folder, "demo.jsonl");
  const scale = ["--groups", "20", "--seconds", "3", "--outstanding", "100"];
  const demo = flotilla("demo", ...scale, "--history", path);
  assert.equal(demo.code, 0, demo.stderr);
  const text = readFileSync(path, "utf8");
  for (const kind of ["put", "get", "getLocal"]) assert.ok(text.includes(`"kind":"${kind}"`));
  const { code, stdout } = flotilla("check-history", path);
  assert.equal(code, 0, stdout);
});
