import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorDetails } from "../../../src/base/index.ts";
import {
  RaftError,
  errorFromWire,
  errorTable,
  errorToWire,
  isErrorCode,
} from "../../../src/base/index.ts";

const codes = Object.keys(errorTable).filter(isErrorCode);
const details: ErrorDetails = {
  leader: "n2",
  leaderAddress: "10.0.0.2:7000",
  term: 7,
  reason: "because",
  faults: ["a is wrong", "b is wrong"],
  failures: { n3: "unreachable" },
};

test("every error of the table survives the way over a thread or a socket", () => {
  assert.ok(codes.length >= 29);
  for (const code of codes) {
    for (const outcome of ["none", "unknown"] as const) {
      const error = new RaftError(code, `Cannot do it: ${code}`, { outcome, details });
      const wire = structuredClone(errorToWire(error));
      for (const arrived of [
        errorFromWire(wire),
        errorFromWire(JSON.parse(JSON.stringify(wire))),
      ]) {
        assert.ok(arrived instanceof RaftError);
        assert.equal(arrived.name, "RaftError");
        assert.equal(arrived.code, code);
        assert.equal(arrived.message, error.message);
        assert.equal(arrived.outcome, outcome);
        assert.equal(arrived.retryable, errorTable[code].retryable);
        assert.equal(arrived.remedy, errorTable[code].remedy);
        assert.deepEqual(arrived.details, details);
        assert.equal(arrived.cause, undefined);
      }
    }
  }
});

test("a RaftError takes its outcome from the table unless it is told another", () => {
  for (const code of codes) {
    assert.equal(new RaftError(code, "x").outcome, errorTable[code].outcome, code);
    assert.deepEqual(new RaftError(code, "x").details, {});
  }
  assert.equal(new RaftError("ERR_TIMEOUT", "x", { outcome: "none" }).outcome, "none");
});

test("RaftError.withOutcome() changes nothing but the outcome", () => {
  const error = new RaftError("ERR_STORE_FAILED", "x", { details: { term: 3 }, cause: 7 });
  assert.equal(error.withOutcome("unknown"), error);
  const { code, message, outcome, details, cause } = error.withOutcome("none");
  assert.deepEqual([code, message, outcome], ["ERR_STORE_FAILED", "x", "none"]);
  assert.deepEqual([details, cause], [{ term: 3 }, 7]);
});

test("a cause crosses as text that holds its message and its place", () => {
  const error = new RaftError("ERR_APPLY_FAILED", "x", { cause: new TypeError("balance is NaN") });
  const wire = errorToWire(error);
  assert.match(wire.cause ?? "", /TypeError: balance is NaN\n\s+at /);
  const { cause } = errorFromWire(wire);
  assert.ok(cause instanceof Error);
  assert.equal(cause.message, wire.cause);
  assert.equal(errorToWire(new RaftError("ERR_APPLY_FAILED", "x", { cause: 42 })).cause, "42");
});

test("what is no RaftError crosses as ERR_INTERNAL with an unknown outcome", () => {
  for (const thrown of [new RangeError("odd"), "odd", { toString: () => "odd" }]) {
    const wire = errorToWire(thrown);
    assert.equal(wire.code, "ERR_INTERNAL");
    assert.equal(wire.outcome, "unknown");
    assert.match(wire.message, /odd/);
  }
});

test("a code or an outcome that only a newer version knows is taken for the worst", () => {
  const wire = { code: "ERR_FROM_THE_FUTURE", message: "x", outcome: "none", details: {} } as const;
  assert.equal(errorFromWire(wire).code, "ERR_INTERNAL");
  const odd: unknown = JSON.parse(
    '{"code":"ERR_BUSY","message":"x","outcome":"perhaps","details":{}}',
  );
  assert.ok(isWire(odd));
  assert.equal(errorFromWire(odd).outcome, "unknown");
});

function isWire(value: unknown): value is ReturnType<typeof errorToWire> {
  return typeof value === "object" && value !== null && "code" in value;
}

test("isErrorCode() knows the codes of the table and not what objects inherit", () => {
  for (const code of codes) assert.equal(isErrorCode(code), true);
  for (const no of ["ERR_NOPE", "toString", "__proto__", "", 7, null, undefined]) {
    assert.equal(isErrorCode(no), false, String(no));
  }
});

test("each row of the table is frozen and says when it is thrown and what to do", () => {
  assert.ok(Object.isFrozen(errorTable));
  for (const [code, spec] of Object.entries(errorTable)) {
    assert.ok(Object.isFrozen(spec), code);
    assert.match(code, /^ERR_[A-Z]+(_[A-Z]+)*$/);
    assert.ok(spec.when.length > 5 && spec.remedy.length > 4, code);
    assert.doesNotMatch(spec.when, /\.$/, `${code}: the texts are phrases without a full stop`);
  }
});
