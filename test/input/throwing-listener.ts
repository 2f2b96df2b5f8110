/** Run as a process of its own: listeners of all events throw, and every call is still answered. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Engine } from "../../src/index.ts";

const dir = mkdtempSync(join(tmpdir(), "flotilla-listener-"));
let uncaught = 0;
process.on("uncaughtException", () => {
  uncaught += 1;
});
try {
  const engine = await Engine.open({
    cluster: "test",
    node: "a",
    dir,
    listen: { host: "127.0.0.1", port: 0 },
    stateMachine: new URL("./machines/list.js", import.meta.url),
    shards: 1,
    tickMs: 20,
    preallocateBytes: 1_048_576,
  });
  for (const event of ["leaderChanged", "groupStarted", "groupStopped"] as const) {
    engine.on(event, () => {
      throw new Error(`a listener of ${event} threw`);
    });
  }
  const groups = [1, 2, 3];
  await Promise.all(groups.map((group) => engine.createGroup({ group, members: ["a"] })));
  await Promise.all(groups.map((group) => engine.awaitLeader(group)));
  const written = await Promise.all(groups.map((group) => engine.propose(group, Buffer.from("x"))));
  await Promise.all(groups.map((group) => engine.stopGroup(group)));
  await engine.close();
  process.stdout.write(JSON.stringify({ uncaught, written: written.length }));
} finally {
  rmSync(dir, { recursive: true, force: true });
}
