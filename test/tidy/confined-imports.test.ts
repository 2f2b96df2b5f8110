/**
 * Libraries and threads each stand behind one or two files of ours, so that replacing one is a
 * change in one place.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { importsOf, listFiles, readText, splitSource } from "./source-tree.ts";

/** How many files of src may import each module. */
const importersMax: Readonly<Record<string, number>> = {
  "@node-rs/crc32": 2,
  "cbor-x": 2,
  "fs-native-extensions": 1,
  lmdb: 2,
  piscina: 2,
  "node:worker_threads": 8,
};

test("lmdb, cbor-x, piscina, CRC-32C, file locks and threads are each imported in few files", () => {
  const importers = new Map<string, string[]>();
  for (const path of listFiles("src", ".ts")) {
    for (const module of new Set(importsOf(splitSource(readText(path)).code))) {
      importers.set(module, [...(importers.get(module) ?? []), path]);
    }
  }
  for (const [module, max] of Object.entries(importersMax)) {
    const paths = importers.get(module) ?? [];
    assert.ok(paths.length <= max, `${module} is imported in ${paths.join(", ")}; at most ${max}`);
  }
});

test("an import is found in each of its forms, and not in a comment", () => {
  const text = [
    'import { a } from "a";',
    'import type { b } from "b";',
    'import "c";',
    'const d = await import("d");',
    'export * from "e";',
    'import {\n  f,\n} from "f";',
    '// import "g";',
    '/* from "h" */',
  ].join("\n");
  assert.deepEqual(importsOf(splitSource(text).code), ["a", "b", "c", "d", "e", "f"]);
});
