import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readResult } from "../../../bench/lib/read-result.ts";
import { loadPoint, resultOf } from "./results.ts";

test("a saved result is read as it was, and what is none is refused with its file and fault", async () => {
  const dir = await mkdtemp(join(tmpdir(), "flotilla-test-"));
  try {
    const file = join(dir, "result.json");
    const result = resultOf("throughput", [loadPoint({ groups: 1 }, 5)]);
    await writeFile(file, JSON.stringify(result));
    assert.deepEqual(await readResult(file), result);
    const faults: readonly (readonly [unknown, RegExp])[] = [
      [[], /holds no object/],
      [{ ...result, format: 2 }, /its format is 2, and 1 is known/],
      [{ ...result, bench: 7 }, /names no benchmark/],
      [{ ...result, machine: {} }, /machine is not complete/],
      [{ ...result, points: [{ settings: {}, figures: { p50: 3 } }] }, /points are not all points/],
    ];
    for (const [value, message] of faults) {
      await writeFile(file, JSON.stringify(value));
      await assert.rejects(readResult(file), message);
    }
    await assert.rejects(
      readResult(join(dir, "none.json")),
      /Cannot read a result from .*none\.json/,
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
