import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readInt64, writeInt64Into } from "../../../src/service/int64.ts";

describe("writeInt64Into() and readInt64()", () => {
  it("agree with Node's own 64-bit integers on every safe integer", () => {
    const edges = [0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 32), 2 ** 53 - 1, 1 - 2 ** 53];
    const safe = fc.oneof(fc.constantFrom(...edges), fc.maxSafeInteger());
    fc.assert(
      fc.property(safe, fc.integer({ min: 0, max: 3 }), (value, at) => {
        const bytes = new Uint8Array(12).fill(0xaa);
        writeInt64Into(bytes, at, value);
        const expected = Buffer.alloc(12, 0xaa);
        expected.writeBigInt64BE(BigInt(value), at);
        assert.deepEqual(Buffer.from(bytes), expected);
        assert.equal(readInt64(bytes, at), value);
      }),
      { numRuns: 1_000 },
    );
  });

  it("never read an integer beyond the safe range as a safe one", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64BE(value);
        const read = readInt64(bytes, 0);
        assert.equal(Number.isSafeInteger(read), Number.isSafeInteger(Number(value)));
      }),
      { numRuns: 1_000 },
    );
  });
});
