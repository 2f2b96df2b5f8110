/**
 * A log has what it needs from its opening on: an embedder that runs out of descriptors afterwards
 * fails no commit and no read, also while the log goes on from segment to segment.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { withDir } from "../fixtures/store-places.ts";
import type { StarvedOutcome } from "./starved-writer.ts";

const script = fileURLToPath(new URL("starved-writer.js", import.meta.url));
const commits = 60;
/** More than the modules of the project: Node opens those that it loads at the same time. */
const descriptorsMax = 1_024;

for (const kind of ["lmdb", "segments"] as const) {
  test(`a log in ${kind} writes and reads on where no descriptor is left`, async () => {
    await withDir(async (dir) => {
      const options = JSON.stringify({ dir, kind, durability: "strict" });
      const command = `ulimit -n ${descriptorsMax}; exec "$0" "$1" "$2"`;
      const child = spawnSync("sh", ["-c", command, process.execPath, script, options], {
        encoding: "utf8",
        timeout: 60_000,
      });
      assert.equal(child.status, 0, child.stderr);
      const outcome: StarvedOutcome = JSON.parse(child.stdout);
      assert.ok(outcome.left > 0 && outcome.left < descriptorsMax, `${outcome.left} were left`);
      assert.deepEqual(
        { ...outcome, left: 0 },
        { left: 0, settled: commits, refusals: [], read: commits, large: "settled" },
      );
    });
  });
}
