import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { listFiles, readText, root } from "./source-tree.ts";

const withoutCode = (markdown: string): string =>
  markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, "").replace(/`[^`\n]*`/g, "");

/** The anchor that GitHub gives to a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");

function anchorsOf(markdown: string): Set<string> {
  const prose = markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, "");
  const headings = [...prose.matchAll(/^#{1,6}\s+(.+)$/gm)].map((match) =>
    anchorOf(match[1] ?? ""),
  );
  const named = [...prose.matchAll(/<a (?:id|name)="([^"]+)"/g)].map((match) => match[1] ?? "");
  return new Set([...headings, ...named]);
}

function linksOf(markdown: string): string[] {
  const prose = withoutCode(markdown);
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)];
  const defined = [...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)];
  return [...inline, ...defined]
    .map((match) => match[1] ?? "")
    .filter((link) => !/^[a-z][a-z+.-]*:/i.test(link));
}

function findDeadLinks(path: string, markdown: string): string[] {
  return linksOf(markdown).filter((link) => {
    const [file = "", anchor] = link.split("#");
    if (file === "") return anchor === undefined || !anchorsOf(markdown).has(anchor);
    const target = join(dirname(path), decodeURIComponent(file));
    if (!existsSync(join(root, target))) return true;
    if (anchor === undefined || !target.endsWith(".md")) return false;
    return !anchorsOf(readText(target)).has(anchor);
  });
}

test("every relative link in Markdown leads to a file and a heading that exist", () => {
  const dead = listFiles(".", ".md").flatMap((path) =>
    findDeadLinks(path, readText(path)).map((link) => `${path}: ${link}`),
  );
  assert.deepEqual(dead, []);
});

test("a link to a missing file, a missing heading or a missing definition is found", () => {
  const markdown = [
    "# The one heading",
    "[good](#the-one-heading) [good](../package.json) [good](https://example.com/nothing)",
    "`[code](nowhere.md)` [bad](gone.md) [bad](#gone) [bad][id] ![bad](gone.svg)",
    "[id]: gone-too.md",
  ].join("\n");
  const dead = findDeadLinks("test/x.md", markdown);
  assert.deepEqual(dead, ["gone.md", "#gone", "gone.svg", "gone-too.md"]);
});

test("every test file that a page says how to run exists", () => {
  const tests = listFiles("test", ".test.ts");
  const missing = listFiles(".", ".md").flatMap((page) =>
    [...readText(page).matchAll(/npm test -- --only ([\w/-]+)/g)]
      .filter(([, part = ""]) => !tests.some((path) => path.includes(part)))
      .map(([command]) => `${page}: ${command}`),
  );
  assert.deepEqual(missing, []);
});
