import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import workerThreads from "node:worker_threads";
import { Engine } from "../../src/index.ts";
import type { EngineOptions } from "../../src/index.ts";
import {
  bytes,
  createAlone,
  failureOf,
  machineUrl,
  openEngine,
  optionsFor,
  readText,
  tempDir,
} from "./engine-rig.ts";

/** After a refusal nothing is left open: the same directory opens at once. */
async function opensNow(options: EngineOptions): Promise<void> {
  const engine = await Engine.open(options);
  await engine.close();
}

test("wrong options are refused all at once, before anything is touched", async (t) => {
  const dir = tempDir(t);
  const error = await failureOf(
    Engine.open(optionsFor(dir, { node: "", tickMs: 0, electionTicks: 1, shards: -1 })),
  );
  assert.equal(error.code, "ERR_OPTION_INVALID");
  assert.equal(error.outcome, "none");
  assert.equal(error.details.faults?.length, 4);
  await opensNow(optionsFor(dir));
});

test("an option that does not exist is refused by name", async (t) => {
  const misspelt = { ...optionsFor(tempDir(t)), tickMS: 5 };
  const error = await failureOf(Engine.open(misspelt));
  assert.equal(error.code, "ERR_OPTION_INVALID");
  assert.match(error.message, /tickMS is not an option/);
});

test("a directory is refused under the other kind of store and opens under its own", async (t) => {
  for (const [own, other] of [
    ["lmdb", "segments"],
    ["segments", "lmdb"],
  ] as const) {
    const dir = tempDir(t);
    await opensNow(optionsFor(dir, { store: own }));
    const error = await failureOf(Engine.open(optionsFor(dir, { store: other })));
    assert.equal(error.code, "ERR_DATA_DIR_FOREIGN");
    assert.match(error.message, new RegExp(`form ${own}, not ${other}`));
    await opensNow(optionsFor(dir, { store: own }));
  }
});

test("what an engine writes is for its user alone, whatever the umask", async (t) => {
  const dir = tempDir(t);
  const before = process.umask(0);
  t.after(() => process.umask(before));
  for (const store of ["lmdb", "segments"] as const) {
    await opensNow(optionsFor(join(dir, store), { store }));
  }
  const open = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => {
    const { mode } = statSync(join(entry.parentPath, entry.name));
    return (mode & 0o777) !== (entry.isDirectory() ? 0o700 : 0o600);
  });
  assert.deepEqual(open, []);
});

test("the directory of another node is refused and stays as it was", async (t) => {
  const dir = tempDir(t);
  await opensNow(optionsFor(dir));
  for (const other of [{ node: "b" }, { cluster: "other" }]) {
    const error = await failureOf(Engine.open(optionsFor(dir, other)));
    assert.equal(error.code, "ERR_DATA_DIR_FOREIGN");
    assert.equal(error.outcome, "none");
    assert.match(error.message, /belongs to node a of cluster test/);
  }
  await opensNow(optionsFor(dir));
});

test("a directory of a newer format is refused", async (t) => {
  const dir = tempDir(t);
  await opensNow(optionsFor(dir));
  const file = join(dir, "a", "node.json");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace('"format": 1', '"format": 9'));
  assert.equal((await failureOf(Engine.open(optionsFor(dir)))).code, "ERR_DATA_DIR_VERSION");
  writeFileSync(file, text);
  await opensNow(optionsFor(dir));
});

test("a directory that is open is refused a second time, and is free after close", async (t) => {
  const { engine, options } = await openEngine(t);
  const error = await failureOf(Engine.open(options));
  assert.equal(error.code, "ERR_DATA_DIR_LOCKED");
  assert.ok(error.retryable);
  await engine.close();
  await opensNow(options);
});

test("a process that can have no more threads is told so, and the directory is free again", async (t) => {
  const dir = tempDir(t);
  const threads = t.mock.method(workerThreads, "Worker", function refuse() {
    throw new Error("no thread: EAGAIN");
  });
  const error = await failureOf(Engine.open(optionsFor(dir, { shards: 2 })));
  assert.equal(error.code, "ERR_SHARD_CRASHED");
  assert.equal(error.outcome, "none");
  assert.match(error.message, /Cannot start 2 worker threads: no thread: EAGAIN/);
  threads.mock.restore();
  await opensNow(optionsFor(dir, { shards: 2 }));
});

test("a map that does not fit into the address space is refused by its option, not by a crash", (t) => {
  const dir = tempDir(t);
  const script = `
    const [url, text] = process.argv.slice(1);
    const { Engine } = await import(url);
    const { stateMachine, ...options } = JSON.parse(text);
    for (const mapBytes of [undefined, 67_108_864]) {
      const given = { ...options, mapBytes, stateMachine: new URL(stateMachine) };
      await Engine.open(given).then(
        (engine) => engine.close().then(() => console.log("opened")),
        (error) => console.log(error.code, error.outcome, error.message),
      );
    }`;
  const limited = ["-c", 'ulimit -v 41943040 && exec "$0" --input-type=module -e "$@"'];
  const url = new URL("../../src/index.js", import.meta.url).href;
  const options = JSON.stringify(optionsFor(dir, { shards: 2 }));
  const { stdout, stderr } = spawnSync("sh", [...limited, process.execPath, script, url, options], {
    encoding: "utf8",
  });
  const refused =
    /^ERR_OPTION_INVALID none .*mapBytes must be at most \d+ .*RLIMIT_AS.*\nopened\n$/;
  assert.match(stdout, refused, stderr);
});

test("an engine that names no number of shards takes that of its directory", async (t) => {
  const dir = tempDir(t);
  await opensNow(optionsFor(dir, { shards: 3 }));
  const engine = await Engine.open(optionsFor(dir, { shards: undefined }));
  t.after(() => engine.close());
  assert.equal((await engine.stats()).length, 3);
});

test("a port that is taken is refused by its number, and nothing stays open", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const dir = tempDir(t);
  const listen = { host: "127.0.0.1", port: address.port };
  const error = await failureOf(Engine.open(optionsFor(dir, { listen, shards: 2 })));
  assert.equal(error.code, "ERR_PORT_IN_USE");
  assert.equal(error.outcome, "none");
  assert.match(error.message, new RegExp(String(address.port)));
  await opensNow(optionsFor(dir, { shards: 2 }));
});

const wrongModules: Record<string, [URL, RegExp]> = {
  "does not exist": [machineUrl("nowhere"), /Cannot import .*nowhere/],
  "does not export createStateMachine": [machineUrl("no-export"), /does not export/],
  "throws while it is imported": [machineUrl("throws"), /Cannot import .*throws/],
};

for (const [what, [stateMachine, message]] of Object.entries(wrongModules)) {
  test(`a state machine module that ${what} is refused, with the cause`, async (t) => {
    const dir = tempDir(t);
    const error = await failureOf(Engine.open(optionsFor(dir, { stateMachine })));
    assert.equal(error.code, "ERR_STATE_MACHINE_LOAD");
    assert.equal(error.outcome, "none");
    assert.match(error.message, message);
    await opensNow(optionsFor(dir));
  });
}

test("groups are recovered all, none, or those that a function chooses", async (t) => {
  const { engine, options } = await openEngine(t);
  for (const group of [1, 2]) {
    await createAlone(engine, group);
    await engine.propose(group, bytes(`g${group}`));
  }
  await engine.close();
  const states = async (recover: EngineOptions["recover"]): Promise<string[]> => {
    const again = await Engine.open({ ...options, recover });
    const found = [1, 2].map((group) => again.group(group)?.state ?? "missing");
    await again.close();
    return found;
  };
  assert.deepEqual(await states("none"), ["stopped", "stopped"]);
  assert.deepEqual(await states((group) => group === 2), ["stopped", "running"]);
  assert.deepEqual(await states("all"), ["running", "running"]);
});

test("a recover function that throws fails the opening and leaves nothing open", async (t) => {
  const { engine, options } = await openEngine(t);
  await createAlone(engine, 1);
  await engine.close();
  const recover = (): boolean => {
    throw new Error("cannot decide");
  };
  await assert.rejects(Engine.open({ ...options, recover }), /cannot decide/);
  await opensNow(options);
});

test("stopGroup on a group that was not recovered is remembered", async (t) => {
  const { engine, options } = await openEngine(t);
  await createAlone(engine, 1);
  await engine.propose(1, bytes("x"));
  await engine.close();
  const held = await Engine.open({ ...options, recover: "none" });
  await held.stopGroup(1);
  await held.close();
  const again = await Engine.open(options);
  t.after(() => again.close());
  assert.equal(again.group(1)?.state, "stopped");
  await again.startGroup(1);
  await again.awaitLeader(1);
  assert.equal(await readText(again, 1), "x");
});
