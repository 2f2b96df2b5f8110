/**
 * An invariant's comment and its assertion carry the same words, so that either can be found from
 * the other:
 *
 *   The first entry to send next. Invariant: match < next.      assert(match < next, "match < next");
 *
 * The text up to the full stop, without backticks, must be the message of an assertion of the same
 * layer, or stand in a string of that layer's `invariants.ts`. A chain a <= b <= c may be asserted
 * link by link.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { layerOf, listFiles, readText, splitSource } from "./source-tree.ts";

const layers = ["raft", "log"];

interface File {
  readonly path: string;
  readonly text: string;
}

function invariantsOf(comment: string): string[] {
  return [...comment.matchAll(/Invariants?: (.+?)\.(?=\s|$)/g)].map((match) =>
    plain(match[1] ?? ""),
  );
}

const plain = (text: string): string => text.replace(/`/g, "").replace(/\s+/g, " ").trim();

/** "a <= b < c" as "a <= b" and "b < c". */
function linksOfChain(invariant: string): string[] {
  const parts = invariant.split(/ (<=?|>=?|===?) /);
  const links: string[] = [];
  for (let at = 0; at + 2 < parts.length; at += 2) links.push(parts.slice(at, at + 3).join(" "));
  return links;
}

function findUnguarded(files: readonly File[]): string[] {
  const guards = new Map<string, string>();
  for (const { path, text } of files) {
    const { code, strings } = splitSource(text);
    const messages = path.endsWith("/invariants.ts")
      ? strings
      : [...code.matchAll(/\bassert\([\s\S]*?["'`]([^"'`]+)["'`],?\s*\)/g)].map((m) => m[1] ?? "");
    const layer = layerOf(path) ?? "";
    guards.set(layer, [guards.get(layer) ?? "", ...messages.map(plain)].join("\n"));
  }
  return files.flatMap(({ path, text }) => {
    const known = guards.get(layerOf(path) ?? "") ?? "";
    return splitSource(text)
      .comments.flatMap(invariantsOf)
      .filter((invariant) => {
        const links = linksOfChain(invariant);
        if (known.includes(invariant)) return false;
        return links.length < 2 || !links.every((link) => known.includes(link));
      })
      .map((invariant) => `${path}: no assertion says "${invariant}"`);
  });
}

test("every invariant that a comment states is asserted in the same words", () => {
  const files = layers
    .flatMap((layer) => listFiles(`src/${layer}`, ".ts"))
    .map((path) => ({ path, text: readText(path) }));
  assert.deepEqual(findUnguarded(files), []);
});

test("an invariant counts as asserted only where the same layer says the same words", () => {
  const comment = "/** The first entry. Invariant: `match` < next. More. */\nlet x;\n";
  const chain = "// Invariant: a <= b <= c.\n";
  const unguarded = (text: string, ...others: File[]): number =>
    findUnguarded([{ path: "src/raft/x.ts", text }, ...others]).length;

  assert.equal(unguarded(comment), 1);
  assert.equal(unguarded(`${comment} assert(match < next, "match < next");`), 0);
  assert.equal(unguarded(`${comment} assert(\n a,\n "match < next",\n);`), 0);
  assert.equal(unguarded(`${comment} log("match < next");`), 1);
  assert.equal(unguarded(chain), 1);
  assert.equal(unguarded(`${chain} assert(q, "a <= b");`), 1);
  assert.equal(unguarded(`${chain} assert(q, "a <= b"); assert(q, "b <= c");`), 0);
  const rows = 'export const rows = ["a <= b <= c"];';
  assert.equal(unguarded(chain, { path: "src/raft/invariants.ts", text: rows }), 0);
  assert.equal(unguarded(chain, { path: "src/log/invariants.ts", text: rows }), 1);
});
