import assert from "node:assert/strict";
import { basename } from "node:path";
import { test } from "node:test";
import { findInLines, listFiles, readText, splitSource } from "./source-tree.ts";

const linesMax = 600;
const columnsMax = 100;
const folders = ["src", "test", "bench", "native-bench", "examples"];
// Spelled so that this file does not find itself.
const leftovers = new RegExp(
  `\\b(?:${["TO-DO", "FIX-ME", "X-XX", "HA-CK"].join("|").replace(/-/g, "")})\\b`,
);
const vagueNames = /^(?:utils?|helpers?|common|types|misc|constants)\.ts$/;
const partialRuns =
  /\b(?:test|it|describe|suite|t)\.(?:only|skip|todo)\(|\b(?:only|skip|todo): *true\b/;

const sources = folders.flatMap((folder) => listFiles(folder, ".ts"));

function findFormFaults(path: string, text: string): string[] {
  const faults: string[] = [];
  const lines = text.split("\n");
  if (lines.length > linesMax + 1) faults.push(`${path} has ${lines.length - 1} lines`);
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.bench|\.d)?\.ts$/.test(basename(path))) {
    faults.push(`${path} is not named in kebab-case`);
  }
  if (vagueNames.test(basename(path))) faults.push(`${path} says nothing about what it holds`);
  faults.push(...findInLines(path, text, (line) => leftovers.exec(line)?.[0]));
  const { code } = splitSource(text);
  if (path.startsWith("src/")) faults.push(...findWideComments(path, text, code));
  if (path.endsWith(".test.ts") && !path.startsWith("test/tidy/")) {
    faults.push(...findInLines(path, code, (line) => partialRuns.exec(line)?.[0]));
  }
  return faults;
}

/**
 * Comments wider than the page. The formatter sees to code, and leaves long texts whole, so that
 * they can be searched.
 */
function findWideComments(path: string, text: string, code: string): string[] {
  const codeLines = code.split("\n");
  return text.split("\n").flatMap((line, at) => {
    const hasComment = line !== codeLines[at];
    return hasComment && line.length > columnsMax
      ? [`${path}:${at + 1} is ${line.length} columns wide`]
      : [];
  });
}

test("sources keep to their size, carry no leftovers and run every test", () => {
  assert.ok(sources.length > 20, "the sources were found");
  assert.deepEqual(
    sources.flatMap((path) => findFormFaults(path, readText(path))),
    [],
  );
});

test("each fault of form is found", () => {
  const leftover = ["TO", "DO"].join("");
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["src/raft/x.ts", "\n".repeat(601), /601 lines/],
    ["src/raft/tooLoud.ts", "", /kebab-case/],
    ["src/raft/utils.ts", "", /says nothing/],
    ["src/raft/x.ts", `ok\n// ${leftover}: later`, /x\.ts:2/],
    ["src/raft/x.ts", `// ${"é".repeat(98)}`, /101 columns/],
    ["src/raft/x.ts", `/**\n * ${"x".repeat(98)}\n */`, /x\.ts:2 is 101 columns/],
    ["test/unit/x.test.ts", 'test.only("x", f);', /test\.only/],
    ["test/unit/x.test.ts", 'test("x", { skip: true }, f);', /skip: true/],
  ];
  for (const [path, text, expected] of cases) {
    const faults = findFormFaults(path, text);
    assert.equal(faults.length, 1, `${path} ${String(expected)}`);
    assert.match(faults[0] ?? "", expected);
  }
  assert.deepEqual(findFormFaults("src/raft/x.ts", `${"\n".repeat(600)}`), []);
  assert.deepEqual(findFormFaults("src/raft/x.ts", `// ${"x".repeat(97)}`), []);
  assert.deepEqual(findFormFaults("src/raft/x.ts", `const text = "${"x".repeat(97)}";`), []);
});
