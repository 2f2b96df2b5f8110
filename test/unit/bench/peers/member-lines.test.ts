import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  combineFigures,
  divide,
  figuresOf,
  numberOf,
  parseMemberLine,
} from "../../../../bench/peers/member-lines.ts";

describe("a line of a peer's member", () => {
  it("is a JSON object, or words", () => {
    assert.deepEqual(parseMemberLine('{"port":35001}'), { port: 35001 });
    for (const words of ["", "segfault", '"port"', "[1]", "{half", "null"]) {
      assert.equal(parseMemberLine(words), undefined, words);
    }
  });

  it("holds the number that was asked for, or the error shows what came", () => {
    assert.equal(numberOf({ leads: 0 }, "leads"), 0);
    for (const leads of [undefined, "1", -1, null]) {
      assert.throws(() => numberOf({ leads }, "leads"), /expected a number "leads", got \{/);
    }
  });

  it("holds figures, or the error shows the beginning of what came", () => {
    const figures = { acknowledged: 2, seconds: 1, cpuMicros: 3, latenciesUs: [1.5, 2] };
    assert.deepEqual(figuresOf({ ...figures, more: 1 }), figures);
    const bad = { ...figures, latenciesUs: new Array<string>(1_000).fill("x") };
    assert.throws(() => figuresOf(bad), /expected a list of numbers.{1,240}…$/);
    assert.throws(() => figuresOf({ ...figures, seconds: "1" }), /"seconds"/);
  });
});

describe("figures of members", () => {
  it("add up, each over its own time", () => {
    const first = { acknowledged: 300, seconds: 3, cpuMicros: 500, latenciesUs: [1, 2] };
    const second = { acknowledged: 100, seconds: 2, cpuMicros: 300, latenciesUs: [3] };
    assert.deepEqual(combineFigures([first, second]), {
      throughput: 150,
      latenciesUs: [1, 2, 3],
      cpuMicros: 2,
    });
  });

  it("have no CPU time a command where nothing was acknowledged", () => {
    const idle = { acknowledged: 0, seconds: 0, cpuMicros: 5, latenciesUs: [] };
    assert.deepEqual(combineFigures([idle]), {
      throughput: 0,
      latenciesUs: [],
      cpuMicros: undefined,
    });
  });
});

describe("divide", () => {
  it("gives each its share, and all of it", () => {
    assert.deepEqual(divide(8_192, [334, 333, 333]), [2_737, 2_728, 2_727]);
    assert.deepEqual(divide(7, [1, 1, 1]), [3, 2, 2]);
    assert.deepEqual(divide(1, [1, 5, 2]), [0, 1, 0]);
  });

  it("gives nothing to a member that leads nothing", () => {
    assert.deepEqual(divide(5, [0, 1, 0]), [0, 5, 0]);
    assert.throws(() => divide(5, [0, 0]), /nobody leads/);
  });
});
