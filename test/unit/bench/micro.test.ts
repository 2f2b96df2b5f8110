import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { suites } from "../../../bench/commands/micro.ts";
import { runCase } from "../../../bench/micro/run-case.ts";
import type { MicroCase } from "../../../bench/micro/suite.ts";

function caseOf(run: () => unknown): MicroCase {
  return { name: "a case", operation: "call", operations: 1, run };
}

for (const suite of suites) {
  test(`every case of ${suite.name} runs, again and again`, async () => {
    const dir = mkdtempSync(join(tmpdir(), "flotilla-micro-"));
    try {
      const prepared = await suite.prepare(dir);
      try {
        assert.ok(prepared.cases.length > 0);
        const names = prepared.cases.map(({ name }) => name);
        assert.equal(new Set(names).size, names.length);
        for (const each of prepared.cases) {
          for (let call = 0; call < 3; call += 1) {
            assert.notEqual(await each.run(), Number.NaN);
          }
        }
      } finally {
        await prepared.close?.();
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
}

test("a case is timed, whether it returns at once or later", async () => {
  let calls = 0;
  for (const run of [() => (calls += 1), async () => (calls += 1)]) {
    const { samples, marginPercent } = await runCase(caseOf(run), 0.01);
    assert.ok(samples.length > 0);
    assert.ok(samples.every((sample) => sample > 0));
    assert.ok(marginPercent >= 0);
  }
  assert.ok(calls > 2);
});

test("what a case throws or rejects with is told", async () => {
  let calls = 0;
  const failing = (): void => {
    calls += 1;
    if (calls > 10) throw new Error("the disk is gone");
  };
  await assert.rejects(runCase(caseOf(failing), 0.01), /the disk is gone/);
  calls = 0;
  await assert.rejects(
    runCase(
      caseOf(async () => failing()),
      0.01,
    ),
    /the disk is gone/,
  );
});
