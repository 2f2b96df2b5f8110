/** The text files of `test/datadriven/raft`. FLOTILLA_REWRITE=1 rewrites them in the sources. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runDataDriven } from "./harness.ts";

const folder = join(import.meta.dirname, "../../../test/datadriven/raft");
const files = readdirSync(folder).filter((name) => name.endsWith(".txt"));
const rewrite = process.env["FLOTILLA_REWRITE"] === "1";

test("there are data-driven cases of the consensus core", () => {
  assert.ok(files.length > 10);
});

for (const file of files) {
  test(`raft/${file} behaves as written`, () => {
    const path = join(folder, file);
    const expected = readFileSync(path, "utf8");
    const seen = runDataDriven(expected);
    if (rewrite && seen !== expected) writeFileSync(path, seen);
    else assert.equal(seen, expected, `${file} differs; npm test -- --rewrite shows it as a diff`);
  });
}
