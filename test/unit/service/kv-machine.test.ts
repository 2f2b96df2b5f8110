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
  kvStatus,
} from "../../../src/service/index.ts";
import type { KvIncrementResult, KvWriteResult } from "../../../src/service/index.ts";
import { KvMachine } from "../../../src/service/kv-machine.ts";
import { applyBlock, applyOne } from "./local-group.ts";

const create = (): StateMachine => createKeyValueMachine({ group: 1, node: "n1" });

function write(machine: StateMachine, command: Uint8Array, index: number): KvWriteResult {
  return decodeWriteResult(applyOne(machine, command, index));
}

function increment(
  machine: StateMachine,
  key: string,
  delta: number,
  index: number,
): KvIncrementResult {
  return decodeIncrementResult(applyOne(machine, encodeIncrement(key, delta), index));
}

function get(machine: StateMachine, key: string | Uint8Array): unknown {
  const record = decodeGetAnswer(machine.query(encodeGet(key)) ?? new Uint8Array(0));
  return record === undefined ? undefined : { ...record, value: hex(record.value) };
}

function size(machine: StateMachine): number {
  return decodeSizeAnswer(machine.query(encodeSize()) ?? new Uint8Array(0));
}

function hex(value: string | Uint8Array): string {
  return Buffer.from(value).toString("hex");
}

const written = (version: number, revision: number): KvWriteResult => ({
  ok: true,
  version,
  revision,
});

describe("KvMachine put, get, delete and size", () => {
  it("raises a key's version by one with each put and gives the put's index as revision", () => {
    const machine = create();
    assert.deepEqual(write(machine, encodePut("a", "one"), 5), written(1, 5));
    assert.deepEqual(write(machine, encodePut("a", "two"), 9), written(2, 9));
    assert.deepEqual(write(machine, encodePut("b", ""), 10), written(1, 10));
    assert.deepEqual(get(machine, "a"), { value: hex("two"), version: 2, revision: 9 });
    assert.deepEqual(get(machine, "b"), { value: "", version: 1, revision: 10 });
    assert.equal(size(machine), 2);
  });

  it("answers undefined for a key that was never put", () => {
    assert.equal(get(create(), "a"), undefined);
  });

  it("counts versions from 1 again after a delete, under a new revision", () => {
    const machine = create();
    applyBlock(machine, [encodePut("a", "1"), encodePut("a", "2")], 1);
    assert.deepEqual(write(machine, encodeDelete("a"), 3), written(2, 2));
    assert.equal(get(machine, "a"), undefined);
    assert.equal(size(machine), 0);
    assert.deepEqual(write(machine, encodePut("a", "3"), 4), written(1, 4));
  });

  it("refuses to delete a key that does not exist", () => {
    const refused = { ok: false, reason: "missing", version: 0, revision: 0 };
    assert.deepEqual(write(create(), encodeDelete("a"), 1), refused);
  });

  it("keeps unicode, empty and longest keys apart and values of every byte whole", () => {
    const machine = create();
    const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const keys = ["", "é", "e\u0301", "😀", "\u0000", "a".repeat(65_535), "a".repeat(65_534)];
    for (const [at, key] of keys.entries()) {
      write(machine, encodePut(key, Uint8Array.of(at, ...everyByte)), at + 1);
    }
    assert.equal(size(machine), keys.length);
    for (const [at, key] of keys.entries()) {
      const value = hex(Uint8Array.of(at, ...everyByte));
      assert.deepEqual(get(machine, key), { value, version: 1, revision: at + 1 });
    }
  });

  it("keeps keys apart that are not valid UTF-8", () => {
    const machine = create();
    write(machine, encodePut(Uint8Array.of(0xff), "a"), 1);
    write(machine, encodePut(Uint8Array.of(0xfe), "b"), 2);
    assert.deepEqual(get(machine, Uint8Array.of(0xff)), {
      value: hex("a"),
      version: 1,
      revision: 1,
    });
    assert.equal(size(machine), 2);
  });

  it("keeps a value of some megabytes whole", () => {
    const machine = create();
    const value = Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * 7) % 251);
    write(machine, encodePut("big", value), 1);
    assert.deepEqual(get(machine, "big"), { value: hex(value), version: 1, revision: 1 });
  });

  it("refuses a new key above its limit and still takes writes to the keys it has", () => {
    const machine = new KvMachine(2);
    applyBlock(machine, [encodePut("a", "1"), encodePut("b", "1")], 1);
    const full = { ok: false, reason: "full", version: 0, revision: 0 };
    assert.deepEqual(write(machine, encodePut("c", "1"), 3), full);
    assert.deepEqual(write(machine, encodeCompareAndSet("c", 0, "1"), 4), full);
    assert.deepEqual(increment(machine, "c", 1, 5), full);
    assert.deepEqual(write(machine, encodePut("a", "2"), 6), written(2, 6));
    write(machine, encodeDelete("b"), 7);
    assert.deepEqual(write(machine, encodePut("c", "1"), 8), written(1, 8));
  });
});

describe("KvMachine compareAndSet", () => {
  it("sets a key whose revision is the expected one and refuses any other", () => {
    const machine = create();
    write(machine, encodePut("a", "1"), 7);
    const mismatch = { ok: false, reason: "mismatch", version: 1, revision: 7 };
    assert.deepEqual(write(machine, encodeCompareAndSet("a", 6, "x"), 8), mismatch);
    assert.deepEqual(write(machine, encodeCompareAndSet("a", 0, "x"), 9), mismatch);
    assert.deepEqual(write(machine, encodeCompareAndSet("a", 7, "2"), 10), written(2, 10));
    assert.deepEqual(get(machine, "a"), { value: hex("2"), version: 2, revision: 10 });
  });

  it("takes 0 as: the key must not exist", () => {
    const machine = create();
    assert.deepEqual(write(machine, encodeCompareAndSet("a", 0, "1"), 1), written(1, 1));
    const mismatch = { ok: false, reason: "mismatch", version: 1, revision: 1 };
    assert.deepEqual(write(machine, encodeCompareAndSet("a", 0, "2"), 2), mismatch);
    const absent = { ok: false, reason: "mismatch", version: 0, revision: 0 };
    assert.deepEqual(write(machine, encodeCompareAndSet("b", 1, "2"), 3), absent);
  });

  it("sees that a key was deleted and put again, though its version is the same", () => {
    const machine = create();
    const before = write(machine, encodePut("a", "1"), 1);
    applyBlock(machine, [encodeDelete("a"), encodePut("a", "1")], 2);
    const refused = { ok: false, reason: "mismatch", version: 1, revision: 3 };
    const late = write(machine, encodeCompareAndSet("a", before.revision, "x"), 4);
    assert.deepEqual(late, refused);
  });
});

describe("KvMachine increment", () => {
  it("starts at 0, adds negative numbers and stores decimal text", () => {
    const machine = create();
    assert.deepEqual(increment(machine, "n", 5, 1), { ...written(1, 1), counter: 5 });
    assert.deepEqual(increment(machine, "n", -7, 2), { ...written(2, 2), counter: -2 });
    assert.deepEqual(get(machine, "n"), { value: hex("-2"), version: 2, revision: 2 });
    write(machine, encodePut("n", "41"), 3);
    assert.deepEqual(increment(machine, "n", 1, 4), { ...written(4, 4), counter: 42 });
  });

  it("refuses a sum beyond the safe range, on both sides, and keeps the counter", () => {
    const machine = create();
    const most = Number.MAX_SAFE_INTEGER;
    increment(machine, "n", most, 1);
    const overflow = { ok: false, reason: "overflow", version: 1, revision: 1 };
    assert.deepEqual(increment(machine, "n", 1, 2), overflow);
    assert.deepEqual(increment(machine, "n", most, 3), overflow);
    increment(machine, "m", -most, 4);
    assert.deepEqual(increment(machine, "m", -1, 5), { ...overflow, revision: 4 });
    assert.deepEqual(increment(machine, "m", most, 6), { ...written(2, 6), counter: 0 });
    assert.deepEqual(get(machine, "n"), { value: hex(String(most)), version: 1, revision: 1 });
  });

  for (const text of ["", "x", "07", "+1", "-0", "1.0", "1e3", " 1", "9007199254740992", "0x10"]) {
    it(`refuses ${JSON.stringify(text)} as a counter and keeps it`, () => {
      const machine = create();
      write(machine, encodePut("n", text), 1);
      const refused = { ok: false, reason: "notInteger", version: 1, revision: 1 };
      assert.deepEqual(increment(machine, "n", 1, 2), refused);
      assert.deepEqual(get(machine, "n"), { value: hex(text), version: 1, revision: 1 });
    });
  }
});

describe("KvMachine with bytes that are no command", () => {
  const commands = [
    encodePut("key", "value"),
    encodeDelete("key"),
    encodeCompareAndSet("key", 1, "value"),
    encodeIncrement("key", 1),
  ];
  const malformed = { ok: false, reason: "malformed", version: 0, revision: 0 };
  const neighbour = { value: hex("keep"), version: 1, revision: 1 };

  it("refuses every command cut before its body is whole", () => {
    const machine = create();
    write(machine, encodePut("other", "keep"), 1);
    const before = machine.digest?.();
    // A put and a compareAndSet may have an empty value; what is before it must be there.
    const wholeFrom = [6, 6, 14, 14];
    for (const [at, command] of commands.entries()) {
      for (let length = 0; length < (wholeFrom[at] ?? 0); length += 1) {
        const result = write(machine, command.subarray(0, length), 2);
        assert.deepEqual(result, malformed, `command ${at} cut to ${length} bytes`);
      }
    }
    assert.equal(machine.digest?.(), before);
  });

  it("refuses bytes behind a delete and an increment", () => {
    const machine = create();
    for (const command of [encodeDelete("key"), encodeIncrement("key", 1)]) {
      const longer = Uint8Array.of(...command, 0);
      assert.deepEqual(write(machine, longer, 1), malformed);
    }
    assert.equal(size(machine), 0);
  });

  it("refuses a delta beyond the safe range", () => {
    const command = new Uint8Array(encodeIncrement("n", 0));
    command[command.length - 8] = 0x7f;
    assert.deepEqual(write(create(), command, 1), malformed);
  });

  it("changes no other key, whichever bit of a command is flipped", () => {
    for (const command of commands) {
      for (let bit = 0; bit < command.length * 8; bit += 1) {
        const machine = create();
        write(machine, encodePut("other", "keep"), 1);
        const flipped = new Uint8Array(command);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        applyBlock(machine, [flipped, command, flipped], 2);
        assert.deepEqual(get(machine, "other"), neighbour, `bit ${bit}`);
        assert.ok(size(machine) <= 3);
      }
    }
  });

  it("never throws on any bytes, and changes at most the key that they name", () => {
    const operation = fc.integer({ min: 0, max: 20 });
    const likely = fc
      .tuple(operation, fc.integer({ min: 0, max: 6 }), fc.uint8Array({ maxLength: 24 }))
      .map(([op, length, rest]) => Uint8Array.of(op, 0, length, ...rest));
    const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), likely);
    const statuses: readonly number[] = Object.values(kvStatus);
    fc.assert(
      fc.property(fc.array(anyBytes, { maxLength: 12 }), (blocks) => {
        const machine = create();
        write(machine, encodePut("untouched!", "keep"), 1);
        for (const bytes of blocks) {
          const before = machine.digest?.();
          const result = applyOne(machine, bytes, 2);
          assert.ok(statuses.includes(result[0] ?? -1));
          if (result[0] !== kvStatus.done) assert.equal(machine.digest?.(), before);
          const answer = machine.query(bytes);
          assert.ok(statuses.includes(answer?.[0] ?? -1));
        }
        assert.deepEqual(get(machine, "untouched!"), neighbour);
      }),
      { numRuns: 500 },
    );
  });

  it("answers malformed to queries it does not know", () => {
    const machine = create();
    const queries = [
      new Uint8Array(0),
      Uint8Array.of(17, 0),
      Uint8Array.of(99, 0, 0),
      Uint8Array.of(...encodeGet("a"), 0),
      encodeGet("a").subarray(0, 3),
      encodePut("a", ""),
    ];
    for (const query of queries) assert.equal(machine.query(query)?.[0], kvStatus.malformed);
  });
});
