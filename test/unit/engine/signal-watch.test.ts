import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { SignalWatch } from "../../../src/engine/signal-watch.ts";

test("a thousand calls on one signal have one listener, and none when all have ended", () => {
  const watch = new SignalWatch();
  const { signal } = new AbortController();
  const ends = Array.from({ length: 1_000 }, () => watch.watch(signal, () => assert.fail()));
  assert.equal(getEventListeners(signal, "abort").length, 1);
  for (const end of ends) end();
  for (const end of ends) end();
  assert.equal(getEventListeners(signal, "abort").length, 0);
  assert.equal(watch.size, 0);
});

test("a signal that fires tells each call that still waits, once", () => {
  const watch = new SignalWatch();
  const controller = new AbortController();
  const told: number[] = [];
  const ends = [0, 1, 2].map((call) => watch.watch(controller.signal, () => told.push(call)));
  ends[1]?.();
  controller.abort();
  for (const end of ends) end();
  assert.deepEqual(told, [0, 2]);
  assert.equal(watch.size, 0);
});

test("a call that ends while others are told leaves the signal of a later call alone", () => {
  const watch = new SignalWatch();
  const first = new AbortController();
  const second = new AbortController();
  const end = watch.watch(first.signal, () => {});
  first.abort();
  const told: string[] = [];
  watch.watch(second.signal, () => told.push("second"));
  end();
  second.abort();
  assert.deepEqual(told, ["second"]);
});
