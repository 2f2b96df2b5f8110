/** The demo itself, small: what `npm run demo` does, to its last line. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { root } from "../tidy/source-tree.ts";

const run = promisify(execFile);
const main = join(root, "dist/src/cli/main.js");

test("the demo loses nothing when a node is killed, and says so in its last line", async () => {
  const scale = ["--groups", "20", "--seconds", "3", "--outstanding", "100"];
  const { stdout } = await run(process.execPath, [main, "demo", ...scale, "--json"], {
    timeout: 180_000,
  });
  const last: unknown = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  assert.ok(typeof last === "object" && last !== null);
  const { ok, acknowledged, keysChecked, violations, bytesOnDisk }: Record<string, unknown> = {
    ...last,
  };
  assert.equal(ok, true);
  assert.deepEqual(violations, []);
  for (const figure of [acknowledged, keysChecked, bytesOnDisk]) {
    assert.ok(typeof figure === "number" && figure > 0);
  }
});

test("the demo refuses options that are out of range", async () => {
  await assert.rejects(
    run(process.execPath, [main, "demo", "--groups", "0"]),
    /must be an integer from 1 to 100000/,
  );
});
