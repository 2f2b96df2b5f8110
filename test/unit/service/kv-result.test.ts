import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RaftError } from "../../../src/base/index.ts";
import {
  decodeGetAnswer,
  decodeIncrementResult,
  decodeSizeAnswer,
  decodeWriteResult,
  kvStatus,
} from "../../../src/service/index.ts";

const decoders = [decodeWriteResult, decodeIncrementResult, decodeGetAnswer, decodeSizeAnswer];

function refused(status: number): Uint8Array {
  const bytes = new Uint8Array(17);
  bytes[0] = status;
  return bytes;
}

function isForeign(error: unknown): boolean {
  return (
    error instanceof RaftError &&
    error.code === "ERR_INTERNAL" &&
    error.message.startsWith("Not a result of the key-value machine: ")
  );
}

describe("the decoders of the key-value machine", () => {
  it("name every refusal as the status table does", () => {
    for (const [name, status] of Object.entries(kvStatus)) {
      if (name === "done") continue;
      const expected = { ok: false, reason: name, version: 0, revision: 0 };
      assert.deepEqual(decodeWriteResult(refused(status)), expected);
      assert.deepEqual(decodeIncrementResult(refused(status)), expected);
    }
  });

  it("throw on bytes that are no result, which another state machine would return", () => {
    const foreign = [new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(99), refused(99)];
    for (const bytes of foreign) {
      for (const decode of decoders) assert.throws(() => decode(bytes), isForeign);
    }
  });

  it("throw on results cut short or too long", () => {
    assert.throws(() => decodeWriteResult(new Uint8Array(16)), isForeign);
    assert.throws(() => decodeWriteResult(new Uint8Array(18)), isForeign);
    assert.throws(() => decodeIncrementResult(new Uint8Array(17)), isForeign);
    assert.throws(() => decodeGetAnswer(new Uint8Array(16)), isForeign);
    assert.throws(() => decodeSizeAnswer(new Uint8Array(17)), isForeign);
  });

  it("throw where an answer says that the query was malformed", () => {
    assert.throws(() => decodeGetAnswer(refused(kvStatus.malformed)), isForeign);
    assert.throws(() => decodeSizeAnswer(refused(kvStatus.malformed)), isForeign);
  });
});
