/** A log store of the embedder's own in place of LMDB. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Engine, RaftError } from "../../src/index.ts";
import { machineUrl, optionsFor, tempDir } from "./engine-rig.ts";

test("an engine keeps its log in the store that a module makes", async (t) => {
  const dir = tempDir(t);
  const options = optionsFor(dir, { logStore: machineUrl("memory-log") });
  await using engine = await Engine.open(options);
  await engine.createGroup({ group: 1, members: ["a"] });
  await engine.awaitLeader(1);
  const { value } = await engine.propose(1, new TextEncoder().encode("x"));
  assert.equal(new TextDecoder().decode(value), "1");
  const [stats] = await engine.stats();
  assert.ok(stats !== undefined && stats.store.commits > 0);
  assert.equal(existsSync(join(dir, "a", "shard-0", "data.mdb")), false);
});

test("a module that makes no log store is refused with its name", async (t) => {
  const options = optionsFor(tempDir(t), { logStore: machineUrl("list") });
  await assert.rejects(Engine.open(options), (error: unknown) => {
    assert.ok(error instanceof RaftError && error.code === "ERR_STATE_MACHINE_LOAD");
    assert.match(error.message, /list\.js does not export a function createLogStore/);
    return true;
  });
});
