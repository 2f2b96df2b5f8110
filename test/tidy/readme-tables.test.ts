/**
 * README's tables of errors and options are made from the tables in the code, so that neither can
 * drift from the other.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { errorTable, optionTableMarkdown } from "../../src/base/index.ts";
import { levelOf } from "../../src/engine/events.ts";
import { Engine, engineOptionTable } from "../../src/engine/index.ts";
import { readBlock, replaceBlock } from "./generated-block.ts";
import { readText, root } from "./source-tree.ts";
import { tuningOptionsSource } from "./tuning-options-source.ts";

const page = "README.md";
const rewrite = process.env["FLOTILLA_REWRITE"] === "1";

function errorTableMarkdown(): string {
  const rows = Object.entries(errorTable).map(([code, { outcome, retryable, when, remedy }]) => {
    const cells = [`\`${code}\``, outcome, retryable ? "yes" : "no", when, remedy];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  const head = ["| code | outcome | retryable | when | what to do |", "|---|---|---|---|---|"];
  return [...head, ...rows].join("\n");
}

/** A file as a code block. */
function codeBlock(path: string): string {
  return [
    "```js",
    `// ${path.slice(path.lastIndexOf("/") + 1)}`,
    readText(path).trim(),
    "```",
  ].join("\n");
}

/** Each block of README that is made from code: its marker and its text. */
const blocks: readonly (readonly [marker: string, text: string])[] = [
  ["errors", errorTableMarkdown()],
  ["options:engine", optionTableMarkdown(engineOptionTable)],
  ["example:counter", codeBlock("examples/embed/counter.js")],
  ["example:main", codeBlock("examples/embed/main.js")],
  ["example:leases", codeBlock("examples/simulate/leases.js")],
  ["example:simulate", codeBlock("examples/simulate/main.js")],
];

for (const [marker, text] of blocks) {
  test(`README's block "${marker}" equals the table in the code`, () => {
    if (rewrite) writeFileSync(join(root, page), replaceBlock(readText(page), marker, text));
    const found = readBlock(readText(page), marker);
    assert.ok(found !== undefined, `${page} needs one pair <!-- ${marker} --> <!-- /${marker} -->`);
    assert.equal(found, text, "npm test -- --rewrite --only tidy writes it anew");
  });
}

const optionsFile = "src/engine/tuning-options.ts";

test("the documentation of each option in an editor is made from the option table", () => {
  const text = tuningOptionsSource(engineOptionTable);
  if (rewrite) writeFileSync(join(root, optionsFile), text);
  const again = "npm test -- --rewrite --only tidy writes it anew";
  assert.equal(readText(optionsFile), text, `${optionsFile}: ${again}`);
});

test("README names no error code that does not exist", () => {
  const named = new Set(readText(page).match(/\bERR_[A-Z_]+\b/g));
  assert.deepEqual(
    [...named].filter((code) => !Object.hasOwn(errorTable, code)),
    [],
  );
});

test("README names every event of an engine, and every call", () => {
  const { constructor: _, ...calls } = Object.getOwnPropertyDescriptors(Engine.prototype);
  const named = new Set(
    [...readText(page).matchAll(/`(?:engine\.)?(\w+)/g)].map(([, word]) => word),
  );
  assert.deepEqual(
    [...Object.keys(levelOf), ...Object.keys(calls)].filter((name) => !named.has(name)),
    [],
  );
});

test("a block is read and replaced only between exactly one pair of markers", () => {
  const text = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
  assert.equal(readBlock(text, "x"), "old");
  assert.equal(replaceBlock(text, "x", "new"), "a\n<!-- x -->\n\nnew\n\n<!-- /x -->\nb\n");
  assert.equal(readBlock(replaceBlock(text, "x", "new"), "x"), "new");
  assert.equal(readBlock(`${text}${text}`, "x"), undefined);
  assert.equal(readBlock("<!-- /x --> <!-- x -->", "x"), undefined);
  assert.throws(() => replaceBlock("nothing here", "x", "new"), /no block/);
});
