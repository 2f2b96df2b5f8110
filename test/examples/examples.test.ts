/** Every example runs as it stands, and so does README's, which is one of them. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { root } from "../tidy/source-tree.ts";

const run = promisify(execFile);

async function output(path: string): Promise<string> {
  const { stdout } = await run(process.execPath, [join(root, path)], { timeout: 60_000 });
  return stdout;
}

test("examples/embed, README's example, replicates a counter over three nodes", async () => {
  const text = await output("examples/embed/main.js");
  assert.match(text, /group 7 is led by n1/);
  assert.match(text, /ERR_NOT_LEADER: ask n1; outcome none/);
  assert.match(text, /visits: 42\n$/);
});

test("examples/simulate finds the machine that asks a clock, and holds the other to be right", async () => {
  const text = await output("examples/simulate/main.js");
  assert.match(text, /^seed \d+ breaks (?:state-machine|digest)-agreement: /);
  assert.match(text, /\nworld [\s\S]*\nat=\d+ [\s\S]*\n----\n/);
  assert.match(text, /the right machine holds in 10 seeds, \d+ events\n$/);
});

test("examples/counter counts on one node", async () => {
  assert.match(await output("dist/examples/counter/main.js"), /a linearizable read says 42\n$/);
});
