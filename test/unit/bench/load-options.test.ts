import assert from "node:assert/strict";
import { test } from "node:test";
import { benchmarks } from "../../../bench/benchmarks.ts";
import { benchmarkCommand } from "../../../bench/lib/benchmark-command.ts";

/** What a benchmark makes of its arguments: their values, or what is wrong with them. */
function parse(name: string, ...words: readonly string[]): unknown {
  const benchmark = benchmarks.find((one) => one.name === name);
  assert.ok(benchmark !== undefined);
  const said: string[] = [];
  const command = benchmarkCommand(benchmark)
    .exitOverride()
    .configureOutput({ writeErr: (text) => said.push(text) })
    .action(() => {});
  try {
    command.parse(words, { from: "user" });
  } catch {
    return said.join("");
  }
  return command.opts();
}

test("lists are grids, and an option that is not given has its default", () => {
  const options = parse("throughput", "--groups", "1,48,1000", "--value-bytes", "16, 1024");
  assert.ok(typeof options === "object" && options !== null);
  const { groups, valueBytes, outstanding, nodes, single, repeat, floors } = Object.fromEntries(
    Object.entries(options),
  );
  assert.deepEqual(
    { groups, valueBytes, outstanding, nodes, single, repeat, floors },
    {
      groups: [1, 48, 1_000],
      valueBytes: [16, 1_024],
      outstanding: [24_576],
      nodes: 3,
      single: false,
      repeat: 3,
      floors: true,
    },
  );
});

test("a rate may be one proposal at a time", () => {
  const options = parse("latency", "--rates", "one,100,2.5e3");
  assert.ok(typeof options === "object" && options !== null && "rates" in options);
  assert.deepEqual(options.rates, ["one", 100, 2_500]);
});

test("bad options are refused with what was wrong", () => {
  const cases: readonly (readonly [string, string, string, RegExp])[] = [
    ["throughput", "--groups", "10,x", /'10,x' is invalid.*integer from 1 to 100000/],
    ["throughput", "--groups", "10,,20", /integer from 1 to 100000/],
    ["throughput", "--groups", "10,10", /names a value twice/],
    ["throughput", "--value-bytes", "4", /integer from 8 to/],
    ["throughput", "--nodes", "2", /must be one of 1, 3, 5/],
    ["throughput", "--durability", "full", /Allowed choices are strict, pipelined, none/],
    ["throughput", "--seconds", "0", /number from 0.1 to/],
    ["throughput", "--repeat", "0", /integer from 1 to 1000/],
    ["latency", "--rates", "0", /"one" or a number from 1/],
    ["reads", "--consistency", "lazy", /must be one of linearizable, local/],
    ["mixed", "--read-ratio", "1", /number from 0.001 to 0.999/],
    ["mixed", "--outstandig", "5", /unknown option '--outstandig'/],
  ];
  for (const [name, option, value, expected] of cases) {
    const said = parse(name, option, value);
    assert.ok(typeof said === "string", `${name} ${option} ${value} was taken`);
    assert.match(said, expected);
  }
});
