import nodeAssert from "node:assert/strict";
import { test } from "node:test";
import { AssertionError } from "../../../src/base/assert.ts";
import { RaftError, assert, unreachable } from "../../../src/base/index.ts";

test("assert() lets a true condition pass", () => {
  assert(true, "never said");
});

test("assert() throws its message as an AssertionError, which is no RaftError", () => {
  const isIt = (error: unknown): boolean =>
    error instanceof AssertionError &&
    !(error instanceof RaftError) &&
    error.name === "AssertionError" &&
    error.message === "match < next";
  nodeAssert.throws(() => assert(false, "match < next"), isIt);
});

test("assert() narrows the type of what it checked", () => {
  const find = (list: readonly string[]): string => {
    const first = list[0];
    assert(first !== undefined, "the list has an element");
    return first;
  };
  nodeAssert.equal(find(["a"]), "a");
  nodeAssert.throws(() => find([]), /the list has an element/);
});

test("unreachable() names the value that the compiler thought impossible", () => {
  const parsed: unknown = JSON.parse('{"kind":"vote"}');
  const isNever = (_value: unknown): _value is never => true;
  nodeAssert.ok(isNever(parsed));
  nodeAssert.throws(() => unreachable(parsed), /unreachable value \{"kind":"vote"\}/);
});
