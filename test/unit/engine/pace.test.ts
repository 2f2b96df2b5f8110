import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftError } from "../../../src/base/index.ts";
import { Pace } from "../../../src/engine/pace.ts";

test("Pace lets so many calls run at once, and the others in turn, whatever becomes of each", async () => {
  const pace = new Pace(2, 10);
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const calls = Array.from({ length: 9 }, (_, at) =>
    pace.run(async () => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      order.push(at);
      running -= 1;
      if (at % 3 === 0) throw new Error(`call ${at}`);
      return at;
    }),
  );
  const results = await Promise.allSettled(calls);
  assert.equal(most, 2);
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(
    results.map(({ status }, at) => [at, status === "rejected"]),
    order.map((at) => [at, at % 3 === 0]),
  );
});

test("Pace refuses a call if too many wait, without running it", async () => {
  const pace = new Pace(1, 1);
  let unblock = (): void => {};
  const block = new Promise<void>((resolve) => {
    unblock = resolve;
  });
  const calls = [pace.run(() => block), pace.run(() => Promise.resolve())];
  await assert.rejects(
    pace.run(() => Promise.reject(new Error("it runs"))),
    (error) => error instanceof RaftError && error.code === "ERR_BUSY" && error.outcome === "none",
  );
  unblock();
  await Promise.all(calls);
});
