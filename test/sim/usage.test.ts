/** Commands of the tests: wrong usage must not look like a rule that is broken. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../tidy/source-tree.ts";

const calls: readonly (readonly [RegExp, string, ...string[]])[] = [
  [/Unknown option '--nothing'/, "sim/main", "--nothing"],
  [/--seeds "many" is no number/, "sim/main", "--seeds", "many"],
  [/--script \/nowhere\/script: ENOENT/, "sim/main", "--script", "/nowhere/script"],
  [/--history \/nowhere\/file: ENOENT/, "sim/main", "--seed", "1", "--history", "/nowhere/file"],
  [/Unknown option '--nothing'/, "mutants/main", "--nothing"],
  [/no mutant's name contains "no such"/, "mutants/main", "--only", "no such"],
  [/Unknown option '--nothing'/, "network/nettest", "--nothing"],
  [/Unknown option '--nothing'/, "run", "--nothing"],
  [/no test file's path contains "nothing"/, "run", "--only", "nothing"],
];

for (const [fault, program, ...words] of calls) {
  test(`${program} ${words.join(" ")} exits with 2, for wrong usage`, () => {
    const path = join(root, "dist/test", `${program}.js`);
    const { status, stderr } = spawnSync(process.execPath, [path, ...words], { encoding: "utf8" });
    assert.equal(status, 2, stderr);
    assert.match(stderr, fault);
  });
}
