/**
 * The picture of the layers, as the compiler enforces it: an import that points up, sideways or
 * past an index.ts fails, and in `base` and `raft` what Node adds to the language does not exist.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { test } from "node:test";
import {
  importsOf,
  layerOf,
  listFiles,
  listLayers,
  readText,
  root,
  splitSource,
} from "./source-tree.ts";

/** What each layer may import. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  raft: ["base"],
  wire: ["base", "raft"],
  log: ["base", "raft", "wire"],
  transport: ["base", "raft", "wire"],
  shard: ["base", "raft", "wire", "log", "transport"],
  testing: ["base", "raft", "wire", "log", "transport", "shard"],
  engine: ["base", "raft", "wire", "log", "transport", "shard"],
  service: ["base", "engine"],
  cli: ["base", "engine", "service", "testing"],
};
const layersWithoutNode = ["base", "raft"];

interface LayerProject {
  readonly types: readonly string[];
  readonly references: readonly string[];
}

function readProject(layer: string): LayerProject {
  const text = readText(`src/${layer}/tsconfig.json`);
  const listOf = (field: string): string =>
    new RegExp(`"${field}": \\[([^\\]]*)\\]`).exec(text)?.[1] ?? "";
  return {
    types: [...listOf("types").matchAll(/"(\w+)"/g)].map((match) => match[1] ?? ""),
    references: [...listOf("references").matchAll(/"\.\.\/(\w+)"/g)].map((match) => match[1] ?? ""),
  };
}

/**
 * What the compiler says of one more file in a layer, compiled with that layer's own options and
 * references.
 */
async function compileInLayer(layer: string, text: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "flotilla-layer-"));
  try {
    writeFileSync(join(folder, "scratch.ts"), text);
    const config = {
      extends: join(root, "src", layer, "tsconfig.json"),
      compilerOptions: {
        rootDir: "/",
        outDir: join(folder, "out"),
        typeRoots: [join(root, "node_modules/@types")],
      },
      include: [join(root, "src", layer), "scratch.ts"],
      references: readProject(layer).references.map((name) => ({ path: join(root, "src", name) })),
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    const lines = (await runCompiler(folder)).split("\n");
    return lines.filter((line) => line.includes("scratch.ts")).join("\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runCompiler(folder: string): Promise<string> {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const args = [tsc, "-p", folder, "--noEmit", "--pretty", "false"];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: folder, timeout: 60_000 }, (error, stdout) => {
      // A compiler that found faults exits with 1 or 2; one that was killed or never started has no
      // verdict.
      if (error !== null && typeof error.code !== "number") reject(error);
      else resolve(stdout);
    });
  });
}

const importOf = (layer: string): string =>
  `import * as other from ${JSON.stringify(join(root, "src", layer, "index.ts"))};\nexport { other };\n`;

test("the projects' references are the picture of the layers", () => {
  for (const layer of listLayers()) {
    const allowed = mayImport[layer];
    assert.ok(allowed !== undefined, `src/${layer} stands in no picture`);
    const beyond = readProject(layer).references.filter((name) => !allowed.includes(name));
    assert.deepEqual(beyond, [], `src/${layer}/tsconfig.json refers to what it may not import`);
    const types = layersWithoutNode.includes(layer) ? [] : ["node"];
    assert.deepEqual(readProject(layer).types, types, `types of src/${layer}/tsconfig.json`);
  }
});

test("imports between layers point down and pass through an index.ts", () => {
  const faults = listFiles("src", ".ts").flatMap((path) => {
    const layer = layerOf(path);
    const modules = importsOf(splitSource(readText(path)).code).filter((name) =>
      name.startsWith("."),
    );
    const targets = modules.map((name) => posix.join(posix.dirname(path), name));
    return targets
      .filter((target) => {
        const other = layerOf(target);
        if (other === layer || other === undefined) return false;
        if (!target.endsWith(`src/${other}/index.ts`)) return true;
        return layer !== undefined && mayImport[layer]?.includes(other) !== true;
      })
      .map((target) => `${path} imports ${target}`);
  });
  assert.deepEqual(faults, []);
});

test("base and raft are synchronous", () => {
  const found = layersWithoutNode
    .flatMap((layer) => listFiles(`src/${layer}`, ".ts"))
    .filter((path) => /\b(?:async|await)\b/.test(splitSource(readText(path)).code));
  assert.deepEqual(found, []);
});

test("the compiler accepts an import that points down", async () => {
  assert.equal(await compileInLayer("raft", importOf("base")), "");
});

test("the compiler rejects an import that points up", async () => {
  assert.match(await compileInLayer("raft", importOf("engine")), /TS6307/);
});

test("the compiler rejects an import of a sibling", async () => {
  assert.match(await compileInLayer("log", importOf("transport")), /TS6307/);
});

test("base and raft have no timers, no process and no node modules", async () => {
  const text = [
    "export const timer: unknown = setTimeout(() => undefined, 1);",
    "export const env: unknown = process.env;",
    'export * from "node:fs";',
  ].join("\n");
  for (const layer of layersWithoutNode) {
    const said = await compileInLayer(layer, text);
    assert.match(said, /'setTimeout'/);
    assert.match(said, /'process'/);
    assert.match(said, /'node:fs'/);
  }
});
