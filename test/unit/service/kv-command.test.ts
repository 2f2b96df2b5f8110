import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RaftError } from "../../../src/base/index.ts";
import {
  encodeCompareAndSet,
  encodeDelete,
  encodeGet,
  encodeIncrement,
  encodePut,
  encodeSize,
  keyBytesMax,
} from "../../../src/service/index.ts";

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function refuses(call: () => unknown, fault: RegExp): void {
  assert.throws(call, (error) => {
    assert.ok(error instanceof RaftError);
    assert.equal(error.code, "ERR_OPTION_INVALID");
    assert.match(error.message, fault);
    assert.equal(error.details.faults?.length, 1);
    return true;
  });
}

describe("the encoders of the key-value machine", () => {
  it("lay the bytes that stored logs hold", () => {
    assert.equal(hex(encodePut("k", "vw")), "0100016b7677");
    assert.equal(hex(encodePut("é", Uint8Array.of(0, 255))), "010002c3a900ff");
    assert.equal(hex(encodeDelete("k")), "0200016b");
    assert.equal(hex(encodeCompareAndSet("k", 258, "v")), "0300016b000000000000010276");
    assert.equal(hex(encodeIncrement("k", -1)), "0400016bffffffffffffffff");
    assert.equal(hex(encodeIncrement("k", 2 ** 53 - 1)), "0400016b001fffffffffffff");
    assert.equal(hex(encodeGet(Uint8Array.of(107))), "1000016b");
    assert.equal(hex(encodeSize()), "11");
  });

  it("write short and long text, plain and not, as UTF-8", () => {
    for (const text of ["", "plain", "p".repeat(32), "p".repeat(33), "plainé", "é".repeat(40)]) {
      const bytes = Buffer.from(text);
      const expected = Buffer.concat([Buffer.of(1, 0, bytes.length), bytes, bytes]);
      assert.equal(hex(encodePut(text, text)), expected.toString("hex"));
    }
  });

  it("take a key of 65,535 bytes and refuse one of 65,536, counted in UTF-8", () => {
    const longest = "a".repeat(keyBytesMax);
    assert.equal(encodeGet(longest).length, 3 + keyBytesMax);
    refuses(() => encodeGet(`${longest}a`), /key must be at most 65535 bytes, got 65536 bytes/);
    refuses(() => encodePut("é".repeat(32_768), ""), /got 65536 bytes/);
  });

  it("refuse text with half a surrogate pair, which UTF-8 cannot hold", () => {
    refuses(() => encodePut("\ud800", "v"), /key must be well-formed text, got a lone surrogate/);
    refuses(() => encodePut("k", "a\udc00"), /value must be well-formed text/);
  });

  it("refuse numbers that are no safe integers", () => {
    for (const bad of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      refuses(() => encodeIncrement("k", bad), /delta must be a safe integer, got/);
      refuses(() => encodeCompareAndSet("k", bad, "v"), /expectedRevision must be a safe integer/);
    }
    refuses(() => encodeCompareAndSet("k", -1, "v"), /at least 0, got -1/);
    // @ts-expect-error text is no number, and is quoted for who cannot tell
    refuses(() => encodeCompareAndSet("k", "0", "v"), /at least 0, got "0"/);
    // @ts-expect-error nor is it one here
    refuses(() => encodeIncrement("k", "1"), /a safe integer, got "1"/);
  });

  it("refuse keys and values of other types, for callers without a compiler", () => {
    // @ts-expect-error a number is no key
    refuses(() => encodePut(1, "v"), /key must be a string or a Uint8Array, got number/);
    // @ts-expect-error a value is required
    refuses(() => encodePut("k"), /value must be .*, got undefined/);
    // @ts-expect-error null is no value
    refuses(() => encodePut("k", null), /value must be .*, got object/);
  });
});
