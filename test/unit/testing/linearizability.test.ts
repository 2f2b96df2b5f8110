/** Small histories whose verdict is known, most of them drawn as in the literature. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Model, Operation, Value } from "../../../src/testing/history/index.ts";
import {
  HistoryInvalid,
  checkIndexes,
  checkLinearizable,
  checkLocalReads,
  checkRegisters,
  describeFinding,
  describeViolation,
} from "../../../src/testing/history/index.ts";

type Times = readonly [callUs: number, returnUs: number | undefined];

function put(value: string, [callUs, returnUs]: Times, index?: number): Operation {
  const base = { client: "w", group: 1, key: "x", callUs, returnUs, arguments: { value } };
  if (returnUs === undefined) return { ...base, kind: "put", result: "unknown" };
  return { ...base, kind: "put", result: "done", index };
}

function get(value: Value, [callUs, returnUs]: Times, index?: number): Operation {
  const base = { client: "r", group: 1, key: "x", callUs, returnUs, arguments: {} };
  return { ...base, kind: "get", result: { value }, index };
}

function cas(expected: Value, value: string, times: Times, previous: Value): Operation {
  const [callUs, returnUs] = times;
  const base = {
    client: "c",
    group: 1,
    key: "x",
    callUs,
    returnUs,
    arguments: { expected, value },
  };
  return { ...base, kind: "cas", result: { success: previous === expected, previous } };
}

function local(value: Value, times: Times, index: number, life: number = 1): Operation {
  const [callUs, returnUs] = times;
  const place = { node: "n1", life };
  const base = { client: "l", group: 1, key: "x", callUs, returnUs, index };
  return { ...base, kind: "getLocal", arguments: place, result: { value } };
}

const cases: readonly (readonly [string, "linearizable" | "violation", readonly Operation[]])[] = [
  ["nothing at all", "linearizable", []],
  [
    "a put and two reads concurrent with it",
    "linearizable",
    [put("100", [0, 100]), get(null, [25, 75]), get("100", [30, 60])],
  ],
  [
    "a read that begins when another has seen the put sees it too",
    "violation",
    [put("200", [0, 100]), get("200", [10, 30]), get(null, [40, 90])],
  ],
  [
    "overlapping puts may take effect in either order",
    "linearizable",
    [put("0", [0, 10]), put("1", [5, 20]), get("0", [25, 30])],
  ],
  [
    "and all readers must agree on it",
    "violation",
    [put("0", [0, 10]), put("1", [5, 20]), get("0", [25, 30]), get("1", [32, 40])],
  ],
  [
    "a read after the put that sees nothing: the put was lost",
    "violation",
    [put("1", [0, 10]), get(null, [11, 20])],
  ],
  [
    "a read that touches the put's return may have come first",
    "linearizable",
    [put("1", [0, 10]), get(null, [10, 20])],
  ],
  ["a value that nobody wrote", "violation", [get("7", [0, 10])]],
  [
    "an unknown put that takes effect long after its call",
    "linearizable",
    [put("1", [0, undefined]), put("2", [5, 10]), get("2", [20, 30]), get("1", [40, 50])],
  ],
  [
    "an unknown put that never takes effect",
    "linearizable",
    [put("1", [0, undefined]), put("2", [5, 10]), get("2", [20, 30])],
  ],
  [
    "an unknown put that takes effect twice",
    "violation",
    [
      put("1", [0, undefined]),
      get("1", [5, 10]),
      put("2", [20, 30]),
      get("2", [31, 32]),
      get("1", [40, 50]),
    ],
  ],
  [
    "an unknown put that is read before it was called",
    "violation",
    [get("1", [0, 10]), put("1", [20, undefined])],
  ],
  [
    "two swaps from one value of which one must fail",
    "violation",
    [cas(null, "a", [0, 20], null), cas(null, "b", [10, 30], null)],
  ],
  [
    "two swaps where the second saw the first",
    "linearizable",
    [cas(null, "a", [0, 20], null), cas(null, "b", [10, 30], "a"), get("a", [40, 50])],
  ],
];

for (const [title, verdict, history] of cases) {
  test(`checkRegisters: ${title}: ${verdict}`, () => {
    assert.equal(checkRegisters(history).verdict, verdict);
  });
}

const counter: Model<number, { readonly add: number; readonly sum: number }> = {
  initial: 0,
  step: (state, { add, sum }) => ({ ok: state + add === sum, state: sum }),
  isRead: ({ add }) => add === 0,
  equal: (a, b) => a === b,
  hash: (state) => state,
};

test("checkLinearizable takes any model", () => {
  const intervals = (...sums: readonly number[]) =>
    sums.map((sum) => ({ operation: { add: 1, sum }, callUs: 0, returnUs: 10 }));
  assert.equal(checkLinearizable(counter, intervals(3, 1, 2)).verdict, "linearizable");
  assert.equal(checkLinearizable(counter, intervals(3, 1, 3)).verdict, "violation");
});

test("checkRegisters judges each key of each group apart", () => {
  const elsewhere: Operation = { ...put("1", [0, 10]), group: 2 };
  const { keys, verdict } = checkRegisters([elsewhere, get(null, [20, 30])]);
  assert.deepEqual({ keys, verdict }, { keys: 2, verdict: "linearizable" });
});

test("checkRegisters leaves out what was refused", () => {
  const refused: Operation = { ...put("1", [0, undefined]), result: "none" };
  assert.equal(checkRegisters([refused, get(null, [5, 6])]).verdict, "linearizable");
  assert.equal(checkRegisters([refused, get("1", [5, 6])]).verdict, "violation");
});

test("checkRegisters is undecided, and does not pass, where its steps do not suffice", () => {
  const puts = ["1", "2", "3", "4"].map((value) => put(value, [0, 100]));
  const { verdict, undecided, violations } = checkRegisters([...puts, get("9", [200, 210])], 10);
  assert.equal(verdict, "undecided");
  assert.deepEqual(undecided, [{ group: 1, key: "x" }]);
  assert.deepEqual(violations, []);
});

test("a violation tells the key, the answer that nothing explains and the longest order", () => {
  const history = [put("1", [0, 10]), put("2", [12, 20]), get("1", [30, 40]), put("3", [50, 60])];
  const [violation] = checkRegisters(history).violations;
  assert.ok(violation !== undefined);
  assert.equal(violation.culprit, history[2]);
  assert.equal(
    describeViolation(violation),
    [
      'group 1, key "x": not linearizable after 3 operations, with this answer:',
      '  r get(), called 30, answered 40: "1"',
      'the longest order that can be explained has 2 operations and leaves "2":',
      '  w put("1"), called 0, answered 10: done',
      '  w put("2"), called 12, answered 20: done',
    ].join("\n"),
  );
});

const planted: readonly (readonly [string, string, readonly Operation[]])[] = [
  ["a stale read", "value", [put("1", [0, 1], 1), put("2", [2, 3], 2), get("1", [4, 5], 2)]],
  ["a lost write", "value", [put("1", [0, 1], 1), get(null, [4, 5], 1)]],
  [
    "an index that falls behind what was known",
    "order",
    [put("1", [0, 1], 5), put("2", [2, 3], 4), get("1", [4, 5], 5)],
  ],
  [
    "a write at the index of a read before it",
    "order",
    [put("1", [0, 1], 1), get("1", [2, 3], 2), put("2", [4, 5], 2)],
  ],
  ["two entries at one index", "unique", [put("1", [0, 9], 1), put("2", [0, 9], 1)]],
  [
    "an unknown write that takes effect twice",
    "value",
    [
      put("u", [0, undefined]),
      put("1", [0, 1], 2),
      get("u", [2, 3], 3),
      put("2", [4, 5], 4),
      get("u", [6, 7], 5),
    ],
  ],
  [
    "an unknown write before the index at which it was called",
    "value",
    [
      put("1", [0, 1], 1),
      { ...get(null, [2, 3], 6), key: "y" },
      put("u", [4, undefined]),
      get("u", [4, 9], 6),
    ],
  ],
  [
    "an unknown write where there is no free index",
    "value",
    [
      put("u", [0, undefined]),
      put("1", [0, 1], 1),
      { ...put("o", [0, 1], 2), key: "y" },
      get("u", [2, 3], 2),
    ],
  ],
  [
    "the value of a refused write",
    "value",
    [{ ...put("1", [0, undefined]), result: "none" }, get("1", [2, 3], 1)],
  ],
  [
    "two values at one index",
    "value",
    [put("u", [0, undefined]), put("1", [0, 1], 1), get("1", [2, 9], 4), get("u", [2, 9], 4)],
  ],
];

for (const [title, rule, history] of planted) {
  test(`checkIndexes finds ${title}`, () => {
    const findings = checkIndexes(history);
    const told = findings.map(describeFinding).join("\n");
    assert.ok(
      findings.some((finding) => finding.rule === rule),
      told,
    );
  });
}

test("checkIndexes refuses what it cannot judge", () => {
  const fault = (message: RegExp) => (error: unknown) =>
    error instanceof HistoryInvalid && message.test(error.message);
  assert.throws(() => checkIndexes([put("1", [0, 1])]), fault(/an answer has no index/));
  const twice = [put("1", [0, 1], 1), put("1", [2, 3], 2)];
  assert.throws(() => checkIndexes(twice), fault(/have the same value "1"/));
});

test("checkLocalReads accepts old states and rejects a session that goes back", () => {
  const puts = [put("1", [0, 1], 1), put("2", [2, 3], 2)];
  assert.deepEqual(checkLocalReads([...puts, local("1", [4, 5], 1), local("2", [6, 7], 2)]), []);
  const back = [...puts, local("2", [4, 5], 2), local("1", [6, 7], 1)];
  assert.deepEqual(
    checkLocalReads(back).map(({ rule }) => rule),
    ["session"],
  );
  const restarted = [...puts, local("2", [4, 5], 2), local("1", [6, 7], 1, 2)];
  assert.deepEqual(checkLocalReads(restarted), []);
});

test("checkLocalReads rejects a state that never was and one ahead of its time", () => {
  const never = [put("1", [0, 1], 1), put("2", [2, 3], 2), local("2", [4, 5], 1)];
  assert.deepEqual(
    checkLocalReads(never).map(({ rule }) => rule),
    ["value"],
  );
  const other = { ...put("2", [4, 5], 2), key: "y" };
  const ahead = [put("1", [0, 1], 1), local("1", [2, 3], 9), other];
  assert.deepEqual(
    checkLocalReads(ahead).map(({ rule }) => rule),
    ["order"],
  );
});
