import assert from "node:assert/strict";
import { test } from "node:test";
import type { DemoOptions } from "../../../src/cli/demo/demo-options.ts";
import { Ledger } from "../../../src/cli/demo/ledger.ts";

const options: DemoOptions = {
  groups: 2,
  seconds: 1,
  shards: 1,
  valueBytes: 16,
  outstanding: 2,
  single: false,
  durability: "strict",
};

function report(...acks: number[]): Parameters<ReturnType<Ledger["begin"]>>[0] {
  const none = { led: new Float64Array(), latencies: new Float32Array() };
  return { acks: new Uint32Array(acks), ...none };
}

test("the demo's ledger counts acknowledgements and unknown outcomes by slot", () => {
  const ledger = new Ledger();
  const take = ledger.begin(options, "n1", 1);
  take(report(0, 1, 1, 1, 0, 2, 1, 0));
  const [life] = ledger.lives;
  assert.ok(life !== undefined);
  assert.deepEqual(life.acknowledged.subarray(0, 2), new Uint32Array([2, 1]));
  assert.deepEqual(life.versions.subarray(0, 2), new Uint32Array([2, 1]));
  assert.deepEqual(life.unknown.subarray(0, 2), new Uint32Array([0, 1]));
  assert.equal(ledger.acknowledged, 3);
  assert.equal(ledger.violations, 0);
});

test("the demo's ledger finds a version that was acknowledged twice: the first write was lost", () => {
  const ledger = new Ledger();
  const take = ledger.begin(options, "n1", 1);
  take(report(0, 1, 0, 2, 0, 2));
  assert.equal(ledger.violations, 1);
  assert.match(ledger.samples[0] ?? "", /version 2 acknowledged after 2/);
});

test("what a killed node wrote after its last report is unknown in number, in its last life only", () => {
  const ledger = new Ledger();
  ledger.begin(options, "n1", 1);
  ledger.begin(options, "n1", 2);
  ledger.endByKill("n1");
  const [first, second] = ledger.lives;
  assert.ok(first?.unknown.every((count) => count === 0));
  assert.ok(second?.unknown.every((count) => count === 0xffff_ffff));
});

test("the demo's ledger tells when groups were led again after a moment", () => {
  const ledger = new Ledger();
  const take = ledger.begin(options, "n2", 1);
  take({ ...report(), led: new Float64Array([0, 100, 1, 50]) });
  assert.deepEqual(ledger.ledAfter([0, 1], 60), [100, undefined]);
});
