import assert from "node:assert/strict";
import { test } from "node:test";
import {
  HistoryInvalid,
  formatOperation,
  parseHistory,
  parseOperation,
} from "../../../src/testing/history/index.ts";

const line =
  '{"client":"c1","group":3,"key":"k","call":5,"return":9,"kind":"cas",' +
  '"arguments":{"expected":null,"value":"1"},"result":{"success":true,"previous":null},"index":4}';

test("an operation is written as the line that it was read from", () => {
  assert.equal(formatOperation(parseOperation(line, 1)), line);
  const unknown =
    '{"client":7,"group":0,"key":"","call":0,"kind":"put","arguments":{"value":"é"},"result":"unknown"}';
  assert.equal(formatOperation(parseOperation(unknown, 1)), unknown);
});

test("parseHistory skips empty lines and names the line of a fault", () => {
  assert.equal(parseHistory(`\n${line}\n\n`).length, 1);
  assert.throws(
    () => parseHistory(`${line}\n\n${line.slice(0, 40)}`),
    (error: unknown) =>
      error instanceof HistoryInvalid && error.line === 3 && error.message === "line 3: not JSON",
  );
});

const faults: readonly (readonly [change: Readonly<Record<string, unknown>>, fault: RegExp])[] = [
  [{ client: 1.5 }, /"client" is neither text nor an integer: 1.5/],
  [{ group: -1 }, /"group" is not an integer from 0/],
  [{ key: 1 }, /"key" is not text: 1/],
  [{ call: -1 }, /"call" is not a safe integer of at least 0/],
  [{ return: 4 }, /"return" is not a safe integer of at least 5/],
  [{ return: undefined }, /"return" is missing beside a result/],
  [{ kind: "delete" }, /"kind" is not one of put, get, getLocal, cas/],
  [{ kind: "put" }, /unknown field "expected"/],
  [{ arguments: undefined }, /arguments is no object/],
  [{ arguments: { expected: 1, value: "1" } }, /"expected" is not text: 1/],
  [{ result: "done" }, /result is no object/],
  [{ result: { success: 1, previous: null } }, /"success" is not true or false/],
  [{ result: "none" }, /"index" is given without a result/],
  [{ index: "4" }, /"index" is not a safe integer/],
  [{ kind: "getLocal", arguments: { node: "", life: 1 } }, /"node" is not a node's id/],
  [{ note: "x" }, /unknown field "note"/],
];

test("parseOperation names what is wrong with a field", () => {
  for (const [change, fault] of faults) {
    const text = JSON.stringify({ ...JSON.parse(line), ...change });
    assert.throws(() => parseOperation(text, 1), fault);
  }
  assert.throws(() => parseOperation("[]", 1), /the line is no object/);
});
