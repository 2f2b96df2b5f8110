import assert from "node:assert/strict";
import { test } from "node:test";
import type { OptionTable } from "../../../src/base/index.ts";
import { RaftError, optionTableMarkdown, resolveOptions } from "../../../src/base/index.ts";

const table = {
  heartbeatTicks: {
    kind: "integer",
    default: 1,
    min: 1,
    max: 100,
    unit: "ticks",
    why: "keeps peace",
  },
  electionTicks: { kind: "integer", default: 10, min: 2, max: 1000, unit: "ticks", why: "ends it" },
  preVote: { kind: "flag", default: true, why: "asks first" },
  durability: {
    kind: "choice",
    default: "strict",
    choices: ["strict", "none"],
    why: "what power loss costs",
  },
} as const satisfies OptionTable;

function faultsOf(resolve: () => unknown): readonly string[] {
  try {
    resolve();
  } catch (error) {
    assert.ok(error instanceof RaftError);
    assert.equal(error.code, "ERR_OPTION_INVALID");
    const faults = error.details.faults ?? [];
    for (const fault of faults)
      assert.ok(error.message.includes(fault), "the message lists them all");
    return faults;
  }
  return [];
}

test("resolveOptions() fills in defaults, also for options given as undefined", () => {
  const defaults = { heartbeatTicks: 1, electionTicks: 10, preVote: true, durability: "strict" };
  assert.deepEqual(resolveOptions(table, {}), defaults);
  assert.deepEqual(resolveOptions(table, { preVote: undefined, electionTicks: 20 }), {
    ...defaults,
    electionTicks: 20,
  });
  assert.equal(resolveOptions(table, { preVote: false }).preVote, false);
});

test("resolveOptions() returns a frozen object of its own and leaves what it was given alone", () => {
  const given = Object.freeze({ electionTicks: 20 });
  const resolved = resolveOptions(table, given);
  assert.ok(Object.isFrozen(resolved));
  assert.notEqual(resolved, given);
  assert.deepEqual(given, { electionTicks: 20 });
});

test("resolveOptions() reports every fault at once, unknown options and those found elsewhere too", () => {
  const given = {
    heartbeatTicks: 0,
    electionTicks: "10",
    preVote: 1,
    durability: "fast",
    prevote: true,
  };
  const elsewhere = [{ option: "nodeId", message: "is missing" }];
  const faults = faultsOf(() => resolveOptions(table, given, () => [], elsewhere));
  assert.deepEqual(faults, [
    "nodeId is missing",
    "heartbeatTicks must be from 1 to 100 ticks, got 0 (keeps peace)",
    'electionTicks must be an integer, got "10"',
    "preVote must be true or false, got 1",
    'durability must be one of strict, none, got "fast"',
    "prevote is not an option",
  ]);
});

test("resolveOptions() accepts both ends of a range and nothing beyond or between", () => {
  for (const heartbeatTicks of [1, 100]) {
    assert.equal(resolveOptions(table, { heartbeatTicks }).heartbeatTicks, heartbeatTicks);
  }
  for (const heartbeatTicks of [0, 101, -1, 1.5, Number.NaN, Infinity, 2 ** 60, 1n, "5", [5]]) {
    const faults = faultsOf(() => resolveOptions(table, { heartbeatTicks }));
    assert.equal(faults.length, 1, String(heartbeatTicks));
  }
});

test("resolveOptions() does not take what objects inherit for an option", () => {
  for (const option of ["toString", "constructor", "hasOwnProperty"]) {
    const faults = faultsOf(() => resolveOptions(table, { [option]: 1 }));
    assert.deepEqual(faults, [`${option} is not an option`]);
  }
});

test("relations are checked on resolved values, and only once each value is right by itself", () => {
  const relations = (values: { heartbeatTicks: number; electionTicks: number }) =>
    values.electionTicks > values.heartbeatTicks
      ? []
      : [{ option: "electionTicks", message: "must be above heartbeatTicks" }];
  assert.deepEqual(
    faultsOf(() => resolveOptions(table, { heartbeatTicks: 10 }, relations)),
    ["electionTicks must be above heartbeatTicks"],
  );
  assert.deepEqual(
    faultsOf(() => resolveOptions(table, { heartbeatTicks: 10, preVote: 0 }, relations)),
    ["preVote must be true or false, got 0"],
  );
  assert.equal(resolveOptions(table, { heartbeatTicks: 9 }, relations).heartbeatTicks, 9);
});

test("optionTableMarkdown() writes one row an option", () => {
  assert.deepEqual(optionTableMarkdown(table).split("\n"), [
    "| option | default | range | unit | what it does |",
    "|---|---|---|---|---|",
    "| `heartbeatTicks` | 1 | 1 – 100 | ticks | keeps peace |",
    "| `electionTicks` | 10 | 2 – 1000 | ticks | ends it |",
    "| `preVote` | true | true, false |  | asks first |",
    "| `durability` | strict | strict, none |  | what power loss costs |",
  ]);
});
