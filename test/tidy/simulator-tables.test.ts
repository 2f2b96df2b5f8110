/** The simulator's tables in test/README.md name what there is, all of it and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { calm } from "../../src/testing/sim/settings.ts";
import { verbs } from "../../src/testing/sim/verbs/index.ts";
import { listFiles, readText } from "./source-tree.ts";

/** The rows of the table that has this head, as cells. */
function tableOf(head: string): string[][] {
  const lines = readText("test/README.md").split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`));
  assert.ok(start !== -1, `test/README.md has a table "${head}"`);
  const end = lines.findIndex((line, at) => at > start && !line.startsWith("|"));
  return lines.slice(start + 2, end).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("\\|", "|")),
  );
}

test("test/README.md has each verb of a script in its form", () => {
  const forms = verbs.map(({ usage }) => `\`${usage.split("   (")[0] ?? ""}\``);
  const rows = tableOf("action | what it does").map(([form = ""]) => form);
  assert.deepEqual(rows.toSorted(), forms.toSorted());
});

test("test/README.md has each setting of the world with its calm value", () => {
  const settings = Object.entries(calm).map(([name, value]) => [`\`${name}\``, String(value)]);
  const rows = tableOf("setting | calm | what it sets").map((cells) => cells.slice(0, 2));
  assert.deepEqual(rows, settings);
});

test("test/README.md has each check with its file", () => {
  const rows = tableOf("check | what it demands | file").map(([name = "", , file = ""]) => {
    return { name: name.replaceAll("`", ""), file };
  });
  const files = listFiles("src/testing/sim/checks", ".ts").filter((path) =>
    /^ {2}readonly name = "/m.test(readText(path)),
  );
  const names = files.map((path) => path.replace(/^.*\//, "").replace(".ts", ""));
  const own = names.filter((name) => name !== "observe-all");
  const inFolder = rows.filter(({ file }) => file.startsWith("[checks/"));
  assert.deepEqual(inFolder.map(({ name }) => name).toSorted(), own.toSorted());
  for (const { name, file } of inFolder) assert.ok(file.includes(`/checks/${name}.ts)`), name);
});
