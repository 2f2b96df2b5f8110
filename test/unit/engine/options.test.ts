import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftError, limits } from "../../../src/base/index.ts";
import { engineOptionTable, resolveEngineOptions } from "../../../src/engine/options.ts";
import type { EngineOptions } from "../../../src/engine/options.ts";

const good: EngineOptions = {
  cluster: "test",
  node: "a",
  dir: "/tmp/a",
  listen: { host: "127.0.0.1", port: 0 },
  stateMachine: new URL("file:///machine.js"),
};

function faultsOf(options: unknown): readonly string[] {
  try {
    // As plain JavaScript may call it.
    Reflect.apply(resolveEngineOptions, undefined, [options]);
  } catch (error) {
    assert.ok(error instanceof RaftError && error.code === "ERR_OPTION_INVALID");
    assert.equal(error.outcome, "none");
    assert.match(error.remedy, /correct it/);
    return error.details.faults ?? [error.message];
  }
  return [];
}

test("options are filled in with their defaults and the number of shards is settled", () => {
  const { tuning, recover, peers } = resolveEngineOptions(good);
  assert.equal(tuning.shards, 0, "the data directory says how many");
  assert.equal(tuning.durability, "strict");
  assert.equal(tuning.electionTicks, 10);
  assert.equal(recover, "all");
  assert.deepEqual(peers, {});
});

test("all faults of a call are reported at once, each with its option and value", () => {
  const faults = faultsOf({
    cluster: "",
    node: "a b",
    dir: "",
    listen: { host: "", port: 70_000, shardPorts: [1, -1] },
    stateMachine: "machine.js",
    recover: "some",
    secret: "",
    peers: { "b c": "127.0.0.1:1", b: "nowhere" },
    shards: 1_000,
    durability: "often",
    tickMs: 1.5,
    timeoutMs: "soon",
    unknownOption: 1,
  });
  const expected = [
    /^cluster must be a string of 1 to 128/,
    /^node must be 1 to 64 characters .* got "a b"/,
    /^dir must be/,
    /^listen needs a host/,
    /^listen needs a port from 0 to 65535, got 70000/,
    /^listen has shardPorts/,
    /^stateMachine must be a URL/,
    /^recover must be/,
    /^secret must be/,
    /^peers names a node that/,
    /^peers gives b the address "nowhere"/,
    /^shards must be from 0 to 256 threads, got 1000/,
    /^durability must be one of strict, pipelined, none, got "often"/,
    /^tickMs must be an integer, got 1.5/,
    /^timeoutMs must be an integer, got "soon"/,
    /^unknownOption is not an option/,
  ];
  for (const pattern of expected) {
    assert.equal(faults.filter((fault) => pattern.test(fault)).length, 1, String(pattern));
  }
  assert.equal(faults.length, expected.length, faults.join("\n"));
});

test("a node may have as many shards as a greeting can name", () => {
  assert.equal(engineOptionTable.shards.max, limits.shardsMax);
});

test("options that contradict one another are a fault", () => {
  const [fault] = faultsOf({ ...good, electionTicks: 5, heartbeatTicks: 5 });
  assert.match(fault ?? "", /electionTicks must be above heartbeatTicks \(5\), got 5/);
});

test("no options, or none at all of what is needed, is a fault and not a crash", () => {
  for (const nothing of [undefined, null, 7, "options"]) {
    assert.deepEqual(faultsOf(nothing), ["Engine.open needs an options object"]);
  }
  assert.ok(faultsOf({}).length >= 5);
  assert.ok(faultsOf({ ...good, listen: null, peers: 7 }).length === 2);
});
