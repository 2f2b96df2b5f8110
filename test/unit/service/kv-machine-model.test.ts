/** The machine against a plain Map that knows nothing of bytes. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { StateMachine } from "../../../src/engine/index.ts";
import {
  createKeyValueMachine,
  decodeGetAnswer,
  decodeIncrementResult,
  decodeSizeAnswer,
  decodeWriteResult,
  encodeCompareAndSet,
  encodeDelete,
  encodeGet,
  encodeIncrement,
  encodePut,
  encodeSize,
} from "../../../src/service/index.ts";
import { applyBlock, applyOne } from "./local-group.ts";

interface ModelRecord {
  readonly value: string;
  readonly version: number;
  readonly revision: number;
}
type Model = Map<string, ModelRecord>;
type Command =
  | { readonly kind: "put"; readonly key: string; readonly value: string }
  | { readonly kind: "delete"; readonly key: string }
  /** Expects the key's revision as it is when the command is applied, plus `off`. */
  | { readonly kind: "set"; readonly key: string; readonly value: string; readonly off: number }
  | { readonly kind: "add"; readonly key: string; readonly delta: number };

const key = fc.constantFrom("", "a", "b", "ключ", "😀", "a longer key, cut as a reference");
const value = fc.oneof(
  fc.constantFrom("", "7", "-9007199254740991", "9007199254740990", "not a number"),
  fc.string({ unit: "grapheme", maxLength: 20 }),
);
const delta = fc.oneof(fc.integer(), fc.maxSafeInteger());
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), key, value }),
  fc.record({ kind: fc.constant("delete" as const), key }),
  fc.record({
    kind: fc.constant("set" as const),
    key,
    value,
    off: fc.constantFrom(0, 0, 1),
  }),
  fc.record({ kind: fc.constant("add" as const), key, delta }),
);
const commands = fc.array(command, { maxLength: 60 });

const create = (): StateMachine => createKeyValueMachine({ group: 1, node: "n1" });

function modelPut(model: Model, at: string, text: string, index: number): object {
  const version = (model.get(at)?.version ?? 0) + 1;
  model.set(at, { value: text, version, revision: index });
  return { ok: true, version, revision: index };
}

/** Applies a command to the model and returns the result it must have. */
function modelApply(model: Model, given: Command, index: number): object {
  const present = model.get(given.key);
  const { version, revision } = present ?? { version: 0, revision: 0 };
  switch (given.kind) {
    case "put":
      return modelPut(model, given.key, given.value, index);
    case "delete":
      if (!model.delete(given.key)) return { ok: false, reason: "missing", version, revision };
      return { ok: true, version, revision };
    case "set":
      if (given.off !== 0) return { ok: false, reason: "mismatch", version, revision };
      return modelPut(model, given.key, given.value, index);
    case "add": {
      const text = present?.value ?? "0";
      if (!/^(0|-?[1-9]\d*)$/.test(text) || !Number.isSafeInteger(Number(text))) {
        return { ok: false, reason: "notInteger", version, revision };
      }
      const sum = BigInt(text) + BigInt(given.delta);
      const magnitude = sum < 0n ? -sum : sum;
      if (magnitude > BigInt(Number.MAX_SAFE_INTEGER)) {
        return { ok: false, reason: "overflow", version, revision };
      }
      return { ...modelPut(model, given.key, String(sum), index), counter: Number(sum) };
    }
  }
}

function encode(model: Model, given: Command): Uint8Array {
  switch (given.kind) {
    case "put":
      return encodePut(given.key, given.value);
    case "delete":
      return encodeDelete(given.key);
    case "set": {
      const expected = (model.get(given.key)?.revision ?? 0) + given.off;
      return encodeCompareAndSet(given.key, expected, given.value);
    }
    case "add":
      return encodeIncrement(given.key, given.delta);
  }
}

function decode(given: Command, result: Uint8Array): object {
  return given.kind === "add" ? decodeIncrementResult(result) : decodeWriteResult(result);
}

/** Runs commands on both; returns the bytes that were applied. */
function run(machine: StateMachine, model: Model, given: readonly Command[]): Uint8Array[] {
  const applied: Uint8Array[] = [];
  for (const [at, one] of given.entries()) {
    const bytes = encode(model, one);
    applied.push(bytes);
    const result = decode(one, applyOne(machine, bytes, at + 1));
    assert.deepEqual(result, modelApply(model, one, at + 1), `command ${at}`);
  }
  return applied;
}

function textOf(record: readonly [string, ModelRecord]): string {
  return JSON.stringify(record);
}

function query(machine: StateMachine, bytes: Uint8Array): Uint8Array {
  return machine.query(bytes) ?? new Uint8Array(0);
}

describe("KvMachine against its model", () => {
  it("gives every result and every answer that a plain Map gives", () => {
    fc.assert(
      fc.property(commands, (given) => {
        const machine = create();
        const model: Model = new Map();
        run(machine, model, given);
        assert.equal(decodeSizeAnswer(query(machine, encodeSize())), model.size);
        for (const { key: named } of given) {
          const found = decodeGetAnswer(query(machine, encodeGet(named)));
          const plain = found && { ...found, value: Buffer.from(found.value).toString() };
          assert.deepEqual(plain, model.get(named));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("comes to the same digest and results when the commands are replayed, in any blocks", () => {
    fc.assert(
      fc.property(commands, fc.integer({ min: 1, max: 9 }), (given, blockEntries) => {
        const machine = create();
        const applied = run(machine, new Map(), given);
        const whole = create();
        const first = applyBlock(whole, applied, 1);
        const cut = create();
        const second: Uint8Array[] = [];
        for (let at = 0; at < applied.length; at += blockEntries) {
          second.push(...applyBlock(cut, applied.slice(at, at + blockEntries), at + 1));
        }
        assert.deepEqual(first, second);
        assert.equal(whole.digest?.(), machine.digest?.());
        assert.equal(cut.digest?.(), machine.digest?.());
      }),
      { numRuns: 200 },
    );
  });

  it("has equal digests for equal states and different ones for different states", () => {
    const few = fc.array(command, { maxLength: 4 });
    let equal = 0;
    fc.assert(
      fc.property(few, few, (left, right) => {
        const machines = [create(), create()] as const;
        const models: readonly [Model, Model] = [new Map(), new Map()];
        run(machines[0], models[0], left);
        run(machines[1], models[1], right);
        const sameDigest = machines[0].digest?.() === machines[1].digest?.();
        const [one, other] = models.map((model) => [...model].map(textOf).sort().join());
        assert.equal(sameDigest, one === other);
        if (sameDigest) equal += 1;
      }),
      { numRuns: 1_000 },
    );
    assert.ok(equal > 10, `only ${equal} pairs of equal states were tried`);
  });

  it("has a digest that does not depend on the order in which keys came", () => {
    const puts = ["b", "", "😀", "a"].map((name, at) => ({ name, index: at + 1 }));
    const [forward, backward] = [create(), create()];
    for (const { name, index } of puts) applyOne(forward, encodePut(name, "v"), index);
    for (const { name, index } of puts.toReversed()) {
      applyOne(backward, encodePut(name, "v"), index);
    }
    assert.equal(forward.digest?.(), backward.digest?.());
  });

  it("has a digest that sees a value, a version and a revision alone", () => {
    const states = [
      [{ index: 2, value: "v" }],
      [{ index: 2, value: "w" }],
      [{ index: 3, value: "v" }],
      [
        { index: 1, value: "v" },
        { index: 2, value: "v" },
      ],
    ];
    const digests = states.map((puts) => {
      const machine = create();
      for (const { index, value: text } of puts) applyOne(machine, encodePut("a", text), index);
      return machine.digest?.();
    });
    assert.equal(new Set(digests).size, states.length);
  });

  it("has a digest that sees where a key ends and its value begins", () => {
    const [left, right] = [create(), create()];
    applyOne(left, encodePut("ab", "c"), 1);
    applyOne(right, encodePut("a", "bc"), 1);
    assert.notEqual(left.digest?.(), right.digest?.());
  });

  it("has a digest that is not misled by a key that looks like two records", () => {
    const [two, one] = [create(), create()];
    applyOne(two, encodePut("a", ""), 1);
    applyOne(two, encodePut("b", ""), 2);
    // What the digest puts before a key, were it to leave out the key's length.
    const between = Buffer.alloc(32);
    between[23] = 1;
    between[31] = 2;
    applyOne(one, encodePut(Buffer.concat([Buffer.from("a"), between, Buffer.from("b")]), ""), 1);
    assert.notEqual(two.digest?.(), one.digest?.());
  });
});
