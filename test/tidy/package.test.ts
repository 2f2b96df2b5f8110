import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { listLayers, readText, root } from "./source-tree.ts";

/** Every path under `value`, however deep conditions nest. */
function targetsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(targetsOf);
}

function manifestField(field: string): unknown {
  const manifest: unknown = JSON.parse(readText("package.json"));
  assert.ok(typeof manifest === "object" && manifest !== null);
  return Object.entries(manifest).find(([name]) => name === field)?.[1];
}

function packedFiles(): string[] {
  // Without scripts: `prepare` would compile while other tests run what is compiled.
  const words = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const { stdout, stderr } = spawnSync("npm", words, { cwd: root, encoding: "utf8" });
  const listed = /"files": (\[[^\]]*\])/.exec(stdout)?.[1];
  assert.ok(listed !== undefined, stderr);
  const files: readonly { readonly path: string }[] = JSON.parse(listed);
  return files.map(({ path }) => path);
}

test("everything that package.json exports or installs as a command was built", () => {
  const targets = [...targetsOf(manifestField("exports")), ...targetsOf(manifestField("bin"))];
  assert.ok(targets.length >= 12, "the targets were found");
  assert.deepEqual(
    targets.filter((target) => !existsSync(join(root, target))),
    [],
  );
});

test("the package can be resolved by its own name, and what it does not export cannot", () => {
  for (const entry of [
    "flotilla",
    "flotilla/kv",
    "flotilla/raft",
    "flotilla/log",
    "flotilla/testing",
  ]) {
    assert.ok(existsSync(fileURLToPath(import.meta.resolve(entry))), entry);
  }
  assert.throws(() => import.meta.resolve("flotilla/dist/src/raft/index.js"), {
    code: "ERR_PACKAGE_PATH_NOT_EXPORTED",
  });
});

test("the package can be published: it carries its licence, its README and only compiled sources", () => {
  const files = ["dist/src/**/*.js", "dist/src/**/*.d.ts", "README.md", "LICENSE"];
  assert.deepEqual(manifestField("files"), files);
  const packed = packedFiles();
  assert.ok(packed.includes("dist/src/shard/worker.js"), "what a shard's worker loads");
  // Maps without their sources and the compiler's own notes are of use to nobody.
  const others = packed.filter((path) => !/^(dist\/src\/.*\.(js|d\.ts)|[^/]+)$/.test(path));
  assert.deepEqual(others, []);
  assert.equal(manifestField("license"), "Apache-2.0");
  assert.match(readText("LICENSE"), /Apache License\s+Version 2\.0/);
});

test("each layer's index.ts says what the layer is, what it may use and what it never does", () => {
  const silent = [...listLayers().map((layer) => `src/${layer}/index.ts`), "src/index.ts"].filter(
    (path) => !existsSync(join(root, path)) || !readText(path).startsWith("/**\n * "),
  );
  assert.deepEqual(silent, []);
});

test("CommonJS can require the package, and gets what an import gets", async () => {
  const required: unknown = createRequire(import.meta.url)("flotilla");
  assert.ok(typeof required === "object" && required !== null);
  assert.deepEqual(Object.keys(required).sort(), Object.keys(await import("flotilla")).sort());
});
