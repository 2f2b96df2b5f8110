import assert from "node:assert/strict";
import { test } from "node:test";
import { Inflights } from "../../../../src/raft/tracker/inflights.ts";

test("Inflights is full at its bound of messages", () => {
  const inflights = new Inflights(2, 1000);
  inflights.add(1, 1);
  assert.equal(inflights.full, false);
  inflights.add(2, 1);
  assert.equal(inflights.full, true);
  assert.throws(() => inflights.add(3, 1), /window has room/);
});

test("Inflights is full at its bound of bytes; one message larger than that travels alone", () => {
  const inflights = new Inflights(100, 10);
  inflights.add(1, 50);
  assert.equal(inflights.full, true);
  inflights.freeTo(1);
  assert.equal(inflights.full, false);
});

test("Inflights.freeTo() frees everything up to an index, also where it falls between messages", () => {
  const inflights = new Inflights(10, 1000);
  for (const last of [3, 6, 9]) inflights.add(last, 1);
  inflights.freeTo(2);
  assert.equal(inflights.count, 3);
  inflights.freeTo(7);
  assert.equal(inflights.count, 1);
  inflights.freeTo(100);
  assert.equal(inflights.count, 0);
});

test("Inflights.add() refuses messages out of order", () => {
  const inflights = new Inflights(10, 1000);
  inflights.add(5, 1);
  assert.throws(() => inflights.add(5, 1), /ascending order/);
});
