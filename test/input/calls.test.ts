import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { resolveEngineOptions } from "../../src/engine/options.ts";
import { Engine, RaftError, defineStateMachine, typedGroup } from "../../src/index.ts";
import type { EngineOptions } from "../../src/index.ts";
import {
  bytes,
  createAlone,
  failureOf,
  openEngine,
  optionsFor,
  readText,
  tempDir,
} from "./engine-rig.ts";

/** Every call that names a group. */
const groupCalls: Record<string, (engine: Engine, group: number) => Promise<unknown>> = {
  propose: (engine, group) => engine.propose(group, bytes("x")),
  proposeBatch: (engine, group) => engine.proposeBatch(group, [bytes("x")]),
  read: (engine, group) => engine.read(group, bytes("")),
  readBatch: (engine, group) => engine.readBatch(group, [bytes("")]),
  readLocal: (engine, group) => engine.readLocal(group, bytes("")),
  status: (engine, group) => engine.status(group),
  digest: (engine, group) => engine.digest(group),
  awaitLeader: (engine, group) => engine.awaitLeader(group),
  startGroup: (engine, group) => engine.startGroup(group),
  stopGroup: (engine, group) => engine.stopGroup(group),
  campaign: (engine, group) => engine.campaign(group),
  resign: (engine, group) => engine.resign(group),
};

test("each call refuses a group id that is none, and a group that is not there", async (t) => {
  const { engine } = await openEngine(t);
  const wrongIds = [-1, 2 ** 32, 1.5, Number.NaN, Number.POSITIVE_INFINITY, JSON.parse('"1"')];
  for (const [name, call] of Object.entries(groupCalls)) {
    for (const id of wrongIds) {
      const error = await failureOf(call(engine, id));
      assert.equal(error.code, "ERR_GROUP_ID_INVALID", `${name}(${id})`);
      assert.equal(error.outcome, "none");
      assert.match(error.message, new RegExp(String(id).replace(".", "\\.")));
    }
    for (const group of [0, 5, 2 ** 32 - 1]) {
      const error = await failureOf(call(engine, group));
      assert.equal(error.code, "ERR_GROUP_NOT_FOUND", `${name}(${group})`);
      assert.equal(error.outcome, "none");
    }
  }
  const creation = engine.createGroup({ group: -1, members: ["a"] });
  assert.equal((await failureOf(creation)).code, "ERR_GROUP_ID_INVALID");
  assert.equal(engine.group(5), undefined);
});

test("createGroup refuses members that are wrong, naming every fault", async (t) => {
  const { engine } = await openEngine(t);
  const wrong: [readonly string[], RegExp][] = [
    [[], /must include this node, a/],
    [["b"], /must include this node, a/],
    [["a", "a"], /names a node twice/],
    [["a", "b c"], /got "b c"/],
    [["a", ...Array.from({ length: 64 }, (_, at) => `n${at}`)], /at most 64, got 65/],
    [JSON.parse("7"), /must be an array/],
  ];
  for (const [members, message] of wrong) {
    const error = await failureOf(engine.createGroup({ group: 1, members }));
    assert.equal(error.code, "ERR_OPTION_INVALID");
    assert.match(error.message, message);
  }
  await createAlone(engine, 1);
  const again = await engine.createGroup({ group: 1, members: ["a"] });
  assert.deepEqual(again, { started: ["a"], notStarted: [] });
  const others = await failureOf(engine.createGroup({ group: 1, members: ["a", "b"] }));
  assert.equal(others.code, "ERR_GROUP_EXISTS");
});

test("a deadline that is none is refused by every call that takes one", async (t) => {
  const { engine } = await openEngine(t);
  await createAlone(engine, 1);
  for (const timeoutMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e12]) {
    const calls = [
      engine.propose(1, bytes("x"), { timeoutMs }),
      engine.proposeBatch(1, [bytes("x")], { timeoutMs }),
      engine.read(1, bytes(""), { timeoutMs }),
      engine.readBatch(1, [bytes("")], { timeoutMs }),
      engine.readLocal(1, bytes(""), { timeoutMs }),
      engine.awaitLeader(1, { timeoutMs }),
      engine.createGroup({ group: 2, members: ["a"], timeoutMs }),
    ];
    for (const call of calls) {
      const error = await failureOf(call);
      assert.equal(error.code, "ERR_OPTION_INVALID");
      assert.match(error.message, /timeoutMs must be an integer from 1 to 86400000 ms/);
    }
  }
  assert.equal(await readText(engine, 1), "");
});

test("a command that is too large, or no bytes at all, is refused and has no effect", async (t) => {
  const { engine } = await openEngine(t, { commandBytesMax: 100 });
  await createAlone(engine, 1);
  const large = bytes("x".repeat(101));
  const calls = [
    engine.propose(1, large),
    engine.read(1, large),
    engine.readLocal(1, large),
    engine.proposeBatch(1, [bytes("x"), large]),
    engine.readBatch(1, [bytes("x".repeat(60)), bytes("y".repeat(41))]),
    engine.proposeBatch(1, [bytes("x".repeat(60)), bytes("y".repeat(41))]),
    engine.proposeBatch(
      1,
      Array.from({ length: 1_000 }, () => bytes("")),
    ),
  ];
  for (const call of calls) {
    const error = await failureOf(call);
    assert.equal(error.code, "ERR_ENTRY_TOO_LARGE");
    assert.equal(error.outcome, "none");
    assert.match(error.message, /commandBytesMax \(100\)/);
  }
  const text = await failureOf(engine.propose(1, JSON.parse('"text"')));
  assert.equal(text.code, "ERR_OPTION_INVALID");
  assert.equal(await readText(engine, 1), "");
  await engine.propose(1, bytes("x".repeat(100)));
  assert.deepEqual(await engine.proposeBatch(1, []), []);
  assert.equal((await failureOf(engine.readBatch(1, []))).code, "ERR_OPTION_INVALID");
});

test("commands and queries that throw fail alone, each with the machine's own words", async (t) => {
  const { engine } = await openEngine(t);
  await createAlone(engine, 1);
  const poison = await failureOf(engine.propose(1, bytes("poison")));
  assert.equal(poison.code, "ERR_APPLY_FAILED");
  assert.match(String(poison.cause), /this command is poison/);
  for (const query of [engine.read(1, bytes("poison")), engine.readLocal(1, bytes("poison"))]) {
    assert.equal((await failureOf(query)).code, "ERR_QUERY_FAILED");
  }
  const { values } = await engine.readBatch(1, ["", "poison", ""].map(bytes));
  assert.deepEqual(
    values.map((value) => (value instanceof RaftError ? value.code : "answered")),
    ["answered", "ERR_QUERY_FAILED", "answered"],
  );
  const results = await engine.proposeBatch(1, ["x", "poison", "y"].map(bytes));
  assert.deepEqual(
    results.map((result) => (result instanceof RaftError ? result.code : "applied")),
    ["applied", "ERR_APPLY_FAILED", "applied"],
  );
  assert.equal(await readText(engine, 1), "x,y");
});

test("a group stops, refuses, and starts again", async (t) => {
  const { engine } = await openEngine(t);
  await createAlone(engine, 1);
  await engine.propose(1, bytes("x"));
  await engine.stopGroup(1);
  await engine.stopGroup(1);
  const calls = [
    engine.propose(1, bytes("y")),
    engine.read(1, bytes("")),
    engine.readLocal(1, bytes("")),
    engine.digest(1),
    engine.campaign(1),
  ];
  for (const call of calls) assert.equal((await failureOf(call)).code, "ERR_GROUP_STOPPED");
  assert.equal((await engine.status(1)).state, "stopped");
  const waiting = failureOf(engine.awaitLeader(1, { timeoutMs: 20 }));
  assert.equal((await waiting).code, "ERR_TIMEOUT");
  await engine.startGroup(1);
  await engine.startGroup(1);
  await engine.awaitLeader(1);
  assert.equal(await readText(engine, 1), "x");
});

test("a creation whose members cannot be reached fails with each one's reason and leaves nothing", async (t) => {
  const { engine } = await openEngine(t, {});
  const peers = { b: "127.0.0.1:1", c: "127.0.0.1:1" };
  await engine.setPeers(peers);
  const members = ["a", "b", "c"];
  const creation = await failureOf(engine.createGroup({ group: 1, members, timeoutMs: 100 }));
  assert.equal(creation.code, "ERR_GROUP_CREATE_FAILED");
  assert.deepEqual(Object.keys(creation.details.failures ?? {}).sort(), ["b", "c"]);
  assert.equal(engine.group(1), undefined, "it is rolled back");
});

test("an abort signal ends a call before and while it waits", async (t) => {
  const { engine } = await openEngine(t);
  await createAlone(engine, 1);
  const reason = new Error("changed my mind");
  const signal = AbortSignal.abort(reason);
  const early = [
    engine.propose(1, bytes("x"), { signal }),
    engine.read(1, bytes(""), { signal }),
    engine.awaitLeader(1, { signal }),
  ];
  for (const call of early) {
    const error = await failureOf(call);
    assert.equal(error.code, "ERR_ABORTED");
    assert.equal(error.outcome, "none", "it never left");
    assert.equal(error.cause, reason);
  }
  const abort = new AbortController();
  const during = [
    engine.propose(1, bytes("y"), { signal: abort.signal }),
    engine.read(1, bytes(""), { signal: abort.signal }),
  ].map(failureOf);
  abort.abort(reason);
  const [write, read] = await Promise.all(during);
  assert.equal(write?.code, "ERR_ABORTED");
  assert.equal(write?.outcome, "none", "it had not left yet");
  assert.equal(read?.outcome, "none");
  await engine.propose(1, bytes("z"));
  assert.equal(await readText(engine, 1), "z");
});

test("calls beyond callsMax are refused as busy and the others are answered", async (t) => {
  const { engine } = await openEngine(t, { callsMax: 4 });
  await createAlone(engine, 1);
  const calls = Array.from({ length: 10 }, (_, at) => engine.propose(1, bytes(`c${at}`)));
  const settled = await Promise.allSettled(calls);
  const refused = settled.filter(({ status }) => status === "rejected");
  assert.equal(refused.length, 6);
  for (const result of refused) {
    assert.ok(result.status === "rejected" && result.reason instanceof RaftError);
    assert.equal(result.reason.code, "ERR_BUSY");
  }
  assert.equal(await readText(engine, 1), "c0,c1,c2,c3");
});

test("every call after close is refused, and closing twice is closing once", async (t) => {
  const { engine } = await openEngine(t);
  await createAlone(engine, 1);
  const waiting = failureOf(engine.awaitLeader(1)).catch(() => undefined);
  const [first, second] = [engine.close(), engine.close()];
  await Promise.all([first, second, waiting]);
  for (const [name, call] of Object.entries(groupCalls)) {
    const error = await failureOf(call(engine, 1));
    assert.equal(error.code, "ERR_ENGINE_CLOSED", name);
    assert.equal(error.outcome, "none", name);
  }
  assert.equal((await failureOf(engine.setPeers({}))).code, "ERR_ENGINE_CLOSED");
  const creation = engine.createGroup({ group: 2, members: ["a"] });
  assert.equal((await failureOf(creation)).code, "ERR_ENGINE_CLOSED");
  await engine.close();
});

test("calls that wait while the engine closes are answered", async (t) => {
  const { engine } = await openEngine(t);
  await createAlone(engine, 1);
  const calls = Array.from({ length: 100 }, (_, at) => engine.propose(1, bytes(`c${at}`)));
  const settled = Promise.allSettled(calls);
  await engine.close();
  for (const result of await settled) {
    if (result.status === "fulfilled") continue;
    assert.ok(result.reason instanceof RaftError);
    assert.equal(result.reason.code, "ERR_ENGINE_CLOSED");
  }
});

/** What a caller without a compiler may pass, in the place of any argument. */
const wrongArguments: readonly unknown[] = [
  undefined,
  null,
  0,
  1,
  -1,
  "text",
  true,
  Symbol("s"),
  10n,
  [],
  [undefined],
  [new Uint8Array(1)],
  {},
  Object.create(null),
  () => 1,
  new Uint8Array(1),
  new Float64Array(1),
  runInNewContext("Uint8Array.of(120)"),
  new Date(0),
  { timeoutMs: "1" },
  { timeoutMs: 1, unknown: 1 },
  { signal: {} },
  { signal: { aborted: true } },
  { signal: AbortSignal.abort() },
  { forward: "yes" },
  { force: 1 },
  { group: 1 },
  { group: 1, members: ["a"], timeoutMs: 0 },
  { group: {}, members: ["a"] },
  { group: 1, members: "a", campaign: 1 },
  { b: "host:1" },
  { b: 7 },
];

test("no public call throws, or rejects with anything but a RaftError, whatever it is given", async (t) => {
  const { engine } = await openEngine(t, { timeoutMs: 200 });
  await createAlone(engine, 1);
  const names = [...Object.keys(groupCalls), "createGroup", "setPeers"];
  const argument = fc.constantFrom(...wrongArguments);
  const argumentLists = fc.oneof(
    fc.array(argument, { maxLength: 3 }),
    fc.tuple(fc.constant(1), argument, argument),
    fc.tuple(fc.constant(1), fc.constant(new Uint8Array(1)), argument),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), argumentLists, async (name, list) => {
      const call: unknown = Reflect.get(engine, name);
      assert.ok(typeof call === "function", name);
      try {
        const answered: unknown = Reflect.apply(call, engine, list);
        assert.ok(answered instanceof Promise, `${name} returns a promise`);
        await answered;
      } catch (error) {
        assert.ok(error instanceof RaftError, `${name}: ${String(error)}`);
      }
    }),
    { numRuns: 600 },
  );
  // What was refused has left nothing behind: the engine still serves.
  const patient = { timeoutMs: 20_000 };
  await engine.startGroup(1);
  await engine.awaitLeader(1, patient);
  assert.ok((await engine.read(1, bytes(""), patient)).index > 0);
});

test("typedGroup and defineStateMachine refuse what they cannot work with, by name", () => {
  const definition = { init: () => ({}), apply: () => 1, query: () => 1 };
  for (const wrong of wrongArguments) {
    const broken = [wrong, { ...definition, apply: wrong }, { ...definition, digest: wrong ?? 1 }];
    for (const one of broken) {
      if (typeof wrong === "function" && one !== wrong) continue;
      assert.throws(() => Reflect.apply(defineStateMachine, undefined, [one]), {
        code: "ERR_OPTION_INVALID",
      });
    }
    assert.throws(() => Reflect.apply(typedGroup, undefined, [wrong, 1]), {
      code: "ERR_OPTION_INVALID",
    });
  }
  const calls = ["propose", "proposeBatch", "read", "readBatch", "readLocal"];
  for (const missing of calls) {
    const others = calls.filter((name) => name !== missing).map((name) => [name, () => {}]);
    assert.throws(() => Reflect.apply(typedGroup, undefined, [Object.fromEntries(others), 1]), {
      code: "ERR_OPTION_INVALID",
      message: new RegExp(`needs a function ${missing}$`),
    });
  }
});

test("options of Engine.open that no compiler has seen are refused by name", async (t) => {
  const right = optionsFor(tempDir(t));
  const names = [...Object.keys(right), "peers", "tls", "secret", "recover", "logStore", "tickMs"];
  fc.assert(
    fc.property(
      fc.constantFrom(...names, "misspelt"),
      fc.constantFrom(...wrongArguments),
      (name, value) => {
        try {
          resolveUntyped({ ...right, [name]: value });
        } catch (error) {
          assert.ok(
            error instanceof RaftError && error.code === "ERR_OPTION_INVALID",
            String(error),
          );
          assert.match(error.message, new RegExp(name));
        }
      },
    ),
    { numRuns: 1_000 },
  );
  for (const nothing of wrongArguments) {
    const error = await failureOf(Engine.open(untyped(nothing)));
    assert.equal(error.code, "ERR_OPTION_INVALID");
  }
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ tls: {} }, /tls needs key.*tls needs cert.*tls needs ca/],
    [{ tls: { key: "k", cert: "c" } }, /tls needs ca/],
    [{ peers: ["host:1"] }, /peers must be an object/],
  ];
  for (const [more, message] of wrong) {
    const error = await failureOf(Engine.open(untyped({ ...right, ...more })));
    assert.equal(error.code, "ERR_OPTION_INVALID");
    assert.match(error.message, message);
  }
});

function resolveUntyped(options: unknown): void {
  resolveEngineOptions(untyped(options));
}

/** As a caller in plain JavaScript passes it. */
function untyped(options: unknown): EngineOptions {
  assume(options);
  return options;
}

function assume(_options: unknown): asserts _options is EngineOptions {}

test("listeners that throw keep no call from its answer", async () => {
  const script = fileURLToPath(new URL("./throwing-listener.js", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  const { uncaught, written }: { uncaught: number; written: number } = JSON.parse(stdout);
  assert.equal(written, 3);
  assert.ok(uncaught >= 6, `${uncaught} exceptions reached the process`);
});
