/** The embedder's program is a text on its command line, and its flags pass to every thread. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { optionsFor, tempDir } from "./engine-rig.ts";

const run = promisify(execFile);

for (const store of ["lmdb", "segments"] as const) {
  test(`a program that is given as text opens ${store} on more shards than the pool serves`, async (t) => {
    const { stateMachine, ...options } = optionsFor(tempDir(t), { shards: 3, store });
    const program = `
      import { Engine } from ${JSON.stringify(new URL("../../src/index.js", import.meta.url))};
      const options = ${JSON.stringify(options)};
      const stateMachine = new URL(${JSON.stringify(stateMachine)});
      const engine = await Engine.open({ ...options, stateMachine, openTimeoutMs: 20_000 });
      const group = { group: 1, members: [engine.node] };
      await engine.createGroup(group);
      await engine.awaitLeader(1);
      const { index } = await engine.propose(1, new Uint8Array(1));
      await engine.close();
      process.stdout.write(String(index > 0));
    `;
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program]);
    assert.equal(stdout, "true");
  });
}
