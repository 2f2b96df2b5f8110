/**
 * One engine, one node, one group: opens, adds, reads, closes.
 *
 *     npm run build && node dist/examples/counter/main.js
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Engine, typedGroup } from "../../src/engine/index.ts";
import type { CounterMachine } from "./counter-machine.ts";

async function count(dir: string): Promise<void> {
  await using engine = await Engine.open({
    cluster: "demo",
    node: "n1",
    dir,
    listen: { host: "127.0.0.1", port: 0 },
    // The compiler leaves strings as they are: this names the built file, which the workers load.
    stateMachine: new URL("./counter-machine.js", import.meta.url),
    shards: 1,
  });
  await engine.createGroup({ group: 1, members: ["n1"] });
  await engine.awaitLeader(1);

  const counters = typedGroup<CounterMachine>(engine, 1);
  await counters.propose({ counter: "visits", by: 1 });
  const { index, result } = await counters.propose({ counter: "visits", by: 41 });
  process.stdout.write(`entry ${index} made it ${result}\n`);

  const { answer } = await counters.read("visits");
  process.stdout.write(`a linearizable read says ${answer}\n`);
}

const dir = await mkdtemp(join(tmpdir(), "flotilla-counter-"));
try {
  await count(dir);
} finally {
  await rm(dir, { recursive: true, force: true });
}
