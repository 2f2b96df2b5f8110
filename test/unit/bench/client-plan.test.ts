import assert from "node:assert/strict";
import { test } from "node:test";
import { planClients, shareOf } from "../../../bench/lib/load/client-plan.ts";

const groups = [3, 5, 8];
const batched = { single: false, batchMax: 4 };

test("every group has a call with its part of the commands", () => {
  assert.deepEqual(planClients(groups, 7, batched), [
    { groups: [3], first: 0, count: 3 },
    { groups: [5], first: 0, count: 2 },
    { groups: [8], first: 0, count: 2 },
  ]);
});

test("more than a call takes become several, of other commands of the group", () => {
  assert.deepEqual(planClients([3], 10, batched), [
    { groups: [3], first: 0, count: 4 },
    { groups: [3], first: 4, count: 3 },
    { groups: [3], first: 7, count: 3 },
  ]);
});

test("single calls have a command each", () => {
  const plans = planClients(groups, 7, { single: true, batchMax: 4 });
  assert.equal(plans.length, 7);
  assert.ok(plans.every(({ count }) => count === 1));
  const ofFirst = plans.filter(({ groups: [group] }) => group === 3);
  assert.deepEqual(
    ofFirst.map(({ first }) => first),
    [0, 1, 2],
  );
});

test("fewer commands than groups go round, and meet every group", () => {
  const plans = planClients([1, 2, 3, 4, 5], 2, batched);
  assert.deepEqual(plans, [
    { groups: [1, 3, 5], first: 0, count: 1 },
    { groups: [2, 4], first: 0, count: 1 },
  ]);
});

test("the number in flight is the one that was asked for", () => {
  for (const outstanding of [1, 2, 3, 10, 24_576]) {
    const plans = planClients(groups, outstanding, { single: false, batchMax: 256 });
    assert.equal(
      plans.reduce((sum, { count }) => sum + count, 0),
      outstanding,
    );
  }
  assert.deepEqual(planClients([], 10, batched), []);
});

test("shares of a whole differ by one at the most and lose nothing", () => {
  assert.deepEqual(
    [0, 1, 2].map((at) => shareOf(8, 3, at)),
    [3, 3, 2],
  );
});
