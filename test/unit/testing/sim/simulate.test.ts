import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftError } from "../../../../src/base/index.ts";
import type { CreateStateMachine } from "../../../../src/shard/index.ts";
import { parseScript, simulate } from "../../../../src/testing/index.ts";
import type {
  SimulateOptions,
  SimulatedOperation,
  Workload,
} from "../../../../src/testing/index.ts";

/** Adds up the first bytes of its commands; `wrong` is what else it does. */
function adder(wrong: { result?: (node: string) => number; digest?: (node: string) => string }) {
  const create: CreateStateMachine = ({ node }) => {
    let sum = 0;
    return {
      apply: ({ command }) => {
        const [by = 0] = command;
        if (by === 255) throw new Error("too much");
        sum = (sum + by) % 256;
        return Uint8Array.of(sum, wrong.result?.(node) ?? 0);
      },
      query: () => Uint8Array.of(sum),
      digest: () => `${sum}${wrong.digest?.(node) ?? ""}`,
    };
  };
  return create;
}

const workload: Workload = (random) =>
  random.chance(0.3)
    ? { query: Uint8Array.of() }
    : { command: Uint8Array.of(random.between(0, 256)) };

const sound = adder({});

async function faultOf(options: SimulateOptions): Promise<string> {
  try {
    await simulate(options);
  } catch (error) {
    assert.ok(error instanceof RaftError, String(error));
    assert.equal(error.code, "ERR_OPTION_INVALID");
    return error.message;
  }
  assert.fail("it took the options");
}

test("simulate holds a sound machine to be sound, in the same runs every time", async () => {
  const seen: SimulatedOperation[] = [];
  const check = (operations: readonly SimulatedOperation[]): void => void seen.push(...operations);
  const options = { stateMachine: sound, workload, seed: 3, seeds: 4, check };
  const result = await simulate(options);
  assert.deepEqual(result.failures, []);
  assert.equal(result.seeds, 4);
  assert.ok((result.counts["operation command: ok"] ?? 0) > 20);
  const answered = seen.filter(({ outcome }) => outcome === "ok");
  assert.ok(
    answered.every(({ result: bytes, index }) => bytes !== undefined && index !== undefined),
  );
  assert.ok(
    seen.some(({ kind }) => kind === "query") && seen.some(({ kind }) => kind === "command"),
  );
  assert.deepEqual(await simulate(options), result);
});

test("simulate finds a machine whose results differ, and shrinks the script", async () => {
  const stateMachine = adder({ result: (node) => (node === "b" ? 1 : 0) });
  const { failures } = await simulate({ stateMachine, workload, shrinkRunsMax: 150 });
  const [failure] = failures;
  assert.ok(failure !== undefined && failures.length === 1);
  assert.equal(failure.invariant, "state-machine-agreement");
  const { actions, expected } = parseScript(failure.script);
  assert.ok(actions.length < failure.actionsDrawn / 2, failure.script);
  assert.match(expected, /^state-machine-agreement: /);
  assert.match(failure.repeat, /seed: \d+\b/);

  const again = await simulate({ stateMachine, script: failure.script, shrink: false });
  assert.deepEqual(
    again.failures.map(({ invariant, seed }) => [invariant, seed]),
    [["state-machine-agreement", undefined]],
  );
  const mended = await simulate({ stateMachine: sound, script: failure.script });
  assert.deepEqual(mended.failures, []);
});

test("simulate finds a machine whose states differ though its results do not", async () => {
  const stateMachine = adder({ digest: (node) => node });
  const { failures } = await simulate({ stateMachine, workload, shrink: false });
  assert.equal(failures[0]?.invariant, "digest-agreement");
  assert.match(
    failures[0]?.message ?? "",
    /the states differ in group \d+ with \d+ entries applied/,
  );
});

test("simulate finds a machine that remembers what it did in a life before", async () => {
  const lives = new Map<string, number>();
  const stateMachine: CreateStateMachine = ({ node, group }) => {
    const place = `${node} ${group}`;
    const life = (lives.get(place) ?? 0) + 1;
    lives.set(place, life);
    return { apply: () => Uint8Array.of(life), query: () => undefined };
  };
  const { failures } = await simulate({ stateMachine, workload, shrink: false });
  assert.equal(failures[0]?.invariant, "state-machine-agreement");
});

test("simulate reports what the user's own check throws, and ends with as many as asked for", async () => {
  const check = (operations: readonly SimulatedOperation[]): void => {
    if (operations.some(({ bytes }) => bytes[0] === 7)) throw new Error("a seven");
  };
  const options = { stateMachine: sound, workload, check, shrink: false };
  const { failures } = await simulate({ ...options, failuresMax: 2 });
  assert.deepEqual(
    failures.map(({ invariant, message }) => `${invariant}: ${message}`),
    ["check: a seven", "check: a seven"],
  );
});

test("simulate names a machine that is none, instead of running nothing", async () => {
  const sound = { apply: () => undefined, query: () => undefined };
  const cases: readonly (readonly [() => object, RegExp])[] = [
    [() => ({ query: sound.query }), /cannot be made: it has no function apply/],
    [() => ({ ...sound, apply: () => "text" }), /apply returned string instead of bytes/],
    [() => ({ ...sound, apply: async () => {} }), /apply returned a promise instead of bytes/],
    [() => ({ ...sound, digest: () => 7 }), /digest returned number instead of text/],
    [() => assert.fail("no machine"), /cannot be made: no machine/],
  ];
  for (const [create, expected] of cases) {
    const options: object = { stateMachine: create, shrink: false };
    const { failures } = await simulate(options);
    assert.equal(failures[0]?.invariant, "machine-contract", String(expected));
    assert.match(failures[0]?.message ?? "", expected);
  }
});

test("simulate runs the registers where no machine is given, under fixed settings", async () => {
  const options = { nodes: 1, durability: "pipelined", lossRate: 0, electionTicks: 4 } as const;
  const worlds: string[] = [];
  const { failures, seeds } = await simulate({
    seeds: [5, 9],
    options,
    onRun: ({ script }) => void worlds.push(script.world),
  });
  assert.deepEqual([failures, seeds], [[], 2]);
  for (const world of worlds) {
    assert.match(world, / nodes=1 durability=pipelined lossRate=0 electionTicks=4$/);
  }
});

test("simulate takes any bytes for a machine without a workload", async () => {
  const { failures, counts } = await simulate({ stateMachine: sound, seeds: 2 });
  assert.deepEqual(failures, []);
  assert.ok((counts["operation command: ok"] ?? 0) > 0);
});

test("simulate refuses wrong options, all at once", async () => {
  const options: object = { seeds: 0, stateMachine: 7, check: () => {}, colour: "red" };
  const message = await faultOf(options);
  assert.match(message, /seeds must be from 1 to/);
  assert.match(message, /stateMachine must be a function, got number/);
  assert.match(message, /colour is not an option/);
  const settings: object = { tickMs: 0, speed: 1, lossRate: -1, durability: "some" };
  const faults = await faultOf({ options: settings });
  assert.match(faults, /tickMs must be from 1 to/);
  assert.match(faults, /durability must be one of/);
  assert.match(faults, /speed is not a setting/);
  assert.match(faults, /lossRate must be a number of at least 0, got -1/);
  assert.match(await faultOf({ check: () => {} }), /check is of no use without a stateMachine/);
});

test("simulate refuses a script that makes no sense", async () => {
  assert.match(await faultOf({ script: "at=0 boot a" }), /does not begin with "world"/);
  assert.match(await faultOf({ script: "world\nat=0 dance a" }), /no verb "dance"/);
  assert.match(await faultOf({ script: "world\nat=0 boot z" }), /no node "z"/);
  assert.match(await faultOf({ script: "world\nat=5 boot a\nat=4 boot a" }), /later moment/);
});

test("simulate names a workload that throws or draws too much", async () => {
  const thrower: Workload = () => {
    throw new Error("no idea");
  };
  const failed = await faultOf({ stateMachine: sound, workload: thrower });
  assert.match(failed, /workload failed for seed 1: no idea/);
  const large: Workload = () => ({ command: new Uint8Array(100) });
  const options = { commandBytesMax: 99 };
  const tooLarge = await faultOf({ stateMachine: sound, workload: large, options });
  assert.match(tooLarge, /drew 100 bytes; commandBytesMax is 99/);
});
