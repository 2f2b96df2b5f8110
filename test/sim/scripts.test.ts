/**
 * The scripts of `test/sim/scripts`: runs of the simulator that somebody wrote, or that once failed,
 * with what comes of each after its `----`. FLOTILLA_REWRITE=1 rewrites that in the sources.
 */
import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseScript, runScript } from "../../src/testing/index.ts";
import { verbs } from "../../src/testing/sim/verbs/index.ts";

const folder = join(import.meta.dirname, "../../../test/sim/scripts");
const files = readdirSync(folder).filter((name) => name.endsWith(".txt"));
const rewrite = process.env["FLOTILLA_REWRITE"] === "1";

/** The text up to the outcome, comments included. */
function given(text: string): string {
  const end = text.indexOf("\n----\n");
  return (end === -1 ? text : text.slice(0, end)).trimEnd();
}

for (const file of files) {
  test(`sim/scripts/${file} comes to what is written`, async () => {
    const path = join(folder, file);
    const text = readFileSync(path, "utf8");
    assert.match(text, /^# \S/, "it begins with a comment that says what it shows");
    const { outcome } = await runScript(parseScript(text));
    const seen = `${given(text)}\n----\n${outcome}\n`;
    if (rewrite && seen !== text) writeFileSync(path, seen);
    else assert.equal(seen, text, `${file} differs; npm test -- --rewrite shows it as a diff`);
  });
}

test("every verb is used by a script", () => {
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8"));
  const used = new Set(texts.flatMap((text) => [...text.matchAll(/^at=\d+ (\S+)/gm)].map(verbOf)));
  const names = verbs.map(({ name }) => name);
  assert.deepEqual(
    names.filter((name) => !used.has(name)),
    [],
  );
});

function verbOf(match: RegExpExecArray): string {
  return match[1] ?? "";
}
