import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../../src/base/index.ts";
import { ratioFor } from "../../../../bench/tune/goal.ts";
import type { Goal, Outcome } from "../../../../bench/tune/goal.ts";
import { search } from "../../../../bench/tune/search.ts";
import type { Knob, SearchPlan, SearchResult } from "../../../../bench/tune/search.ts";

/** Places of four knobs, among so many values each. */
type Places = readonly number[];
const counts = [35, 2, 9, 6];
const defaults: Places = [28, 0, 6, 3];

const knobs: readonly Knob<Places>[] = counts.map((count, at) => ({
  name: `knob ${at}`,
  count,
  placeOf: (places) => places[at] ?? 0,
  turn: (places, place) => places.with(at, place),
}));

/** A queue before a server: the first knob is the load, the others make the server faster. */
function model([load = 0, mode = 0, window = 0, block = 0]: Places): Outcome {
  const inFlight = 2 ** (load / 2);
  const factor =
    (1 + 0.4 * mode) * (1 - 0.05 * Math.abs(window - 4)) * (1 - 0.1 * (block - 2) ** 2);
  const capacity = 300_000 * Math.max(0.05, factor);
  const throughput = capacity * (inFlight / (inFlight + 700));
  return { throughput, p99Ms: 0.3 + (2_000 * inFlight) / throughput };
}

function everything(): Places[] {
  let all: Places[] = [[]];
  for (const count of counts) {
    all = all.flatMap((places) => Array.from({ length: count }, (_, place) => [...places, place]));
  }
  return all;
}

function bestFor(goal: Goal): Outcome {
  return everything()
    .map(model)
    .reduce((best, outcome) => (ratioFor(goal, outcome, best) > 1 ? outcome : best));
}

async function run(
  goal: Goal,
  plan: Partial<SearchPlan<Places>> = {},
): Promise<SearchResult<Places>> {
  return await search({
    goal,
    start: defaults,
    knobs,
    baselineOf: (places) => defaults.with(0, places[0] ?? 0),
    mayTry: () => true,
    measure: (places) => Promise.resolve(model(places)),
    ...plan,
  });
}

const goals: readonly Goal[] = [
  { kind: "p99", atMostMs: 5 },
  { kind: "p99", atMostMs: 500 },
  { kind: "throughput", atLeast: 100_000 },
  { kind: "throughput", atLeast: 390_000 },
];

for (const goal of goals) {
  test(`the optimum of a known model is found without a grid: ${JSON.stringify(goal)}`, async () => {
    const { chosen, trials, settled } = await run(goal);
    assert.ok(ratioFor(goal, chosen, bestFor(goal)) > 0.97, JSON.stringify(chosen));
    assert.ok(trials.length < 80, `${trials.length} trials of ${everything().length}`);
    assert.equal(settled, true);
  });
}

test("noise of a tenth does not lead it far astray, and finalists are measured thrice or more", async () => {
  const goal: Goal = { kind: "p99", atMostMs: 5 };
  for (let seed = 1; seed <= 20; seed += 1) {
    const prng = new Prng(seed);
    const noisy = (value: number): number => value * (0.95 + (prng.uint32() / 2 ** 32) * 0.1);
    const { chosen, baseline, proven } = await run(goal, {
      measure(places) {
        const { throughput, p99Ms } = model(places);
        return Promise.resolve({ throughput: noisy(throughput), p99Ms: noisy(p99Ms) });
      },
    });
    assert.ok(chosen.measured.length >= 3);
    assert.ok(baseline !== undefined && baseline.measured.length >= 3);
    assert.equal(proven, true);
    const { throughput } = model(chosen.settings);
    assert.ok(throughput > bestFor(goal).throughput * 0.65, `seed ${seed}: ${throughput}`);
  }
});

test("options that change nothing are not recommended, however lucky a trial was", async () => {
  const goal: Goal = { kind: "p99", atMostMs: 5 };
  let kept = 0;
  for (let seed = 1; seed <= 100; seed += 1) {
    const prng = new Prng(seed);
    const noisy = (value: number): number => value * (0.85 + (prng.uint32() / 2 ** 32) * 0.3);
    const { chosen, baseline } = await run(goal, {
      measure([load = 0]) {
        const { throughput, p99Ms } = model([load, 0, 6, 3]);
        return Promise.resolve({ throughput: noisy(throughput), p99Ms: noisy(p99Ms) });
      },
    });
    if (chosen.settings === baseline?.settings) kept += 1;
  }
  assert.ok(kept >= 80, `${kept} of 100`);
});

test("a quiet moment of the machine does not make what it met the best for ever", async () => {
  let measured = 0;
  const { chosen } = await run(
    { kind: "p99", atMostMs: 500 },
    {
      measure(places) {
        const { throughput, p99Ms } = model(places);
        measured += 1;
        // The second trial alone has the machine to itself.
        return Promise.resolve({ throughput: throughput * (measured === 2 ? 3 : 1), p99Ms });
      },
    },
  );
  assert.ok(chosen.throughput > bestFor({ kind: "p99", atMostMs: 500 }).throughput * 0.9);
});

test("it ends when time is out, with the best that it has, and says so", async () => {
  let left = 10;
  const { chosen, trials, settled, start, proven } = await run(
    { kind: "p99", atMostMs: 5 },
    {
      mayTry: (reserved) => left > reserved,
      measure(places) {
        left -= 1;
        return Promise.resolve(model(places));
      },
    },
  );
  assert.equal(settled, false);
  assert.ok(left >= 0, `${-left} trials too many`);
  assert.ok(trials.length >= 4);
  assert.ok(proven ? chosen.measured.length > 1 : chosen.p99Ms < start.p99Ms);
});

test("settings that cannot be measured are left alone, but for those that it starts from", async () => {
  const asked: string[] = [];
  const { trials, chosen } = await run(
    { kind: "p99", atMostMs: 500 },
    {
      measure(places) {
        asked.push(JSON.stringify(places));
        return Promise.resolve(places[1] === 1 ? undefined : model(places));
      },
    },
  );
  assert.equal(chosen.settings[1], 0);
  assert.ok(trials.every(({ settings }) => settings[1] === 0));
  const failed = asked.filter((places) => JSON.parse(places)[1] === 1);
  assert.equal(new Set(failed).size, failed.length);
  const nothing = run({ kind: "p99", atMostMs: 5 }, { measure: () => Promise.resolve(undefined) });
  await assert.rejects(nothing, /default settings could not be measured/);
});
