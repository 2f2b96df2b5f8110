/** The checkers of histories against histories that are right by construction, and each other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Operation } from "../../src/testing/history/index.ts";
import {
  checkIndexes,
  checkLocalReads,
  checkRegisters,
  describeFinding,
  describeViolation,
  formatOperation,
  isAnswered,
  parseHistory,
} from "../../src/testing/history/index.ts";
import { isLinearizable } from "./permuted-register.ts";
import { repeatable } from "./raft-repeat.ts";
import { linearizableHistory, withFewValues, withOtherValue } from "./random-history.ts";

const shape = { operationsMax: 60, keys: 3, unknownCas: true, local: true };
const small = { operationsMax: 6, keys: 1, unknownCas: true, local: false };
const unknownPuts = { ...shape, unknownCas: false };
const anyValue = fc.option(fc.nat(6).map(String), { nil: null });

test("checkRegisters accepts every history that a register made", () => {
  fc.assert(
    fc.property(linearizableHistory(shape), (history) => {
      const { verdict, violations } = checkRegisters(history);
      assert.equal(verdict, "linearizable", violations.map(describeViolation).join("\n"));
    }),
    repeatable(1_000),
  );
});

test("checkIndexes and checkLocalReads accept every history that a register made", () => {
  fc.assert(
    fc.property(linearizableHistory(shape), (history) => {
      const findings = [...checkIndexes(history), ...checkLocalReads(history)];
      assert.deepEqual(findings.map(describeFinding), []);
    }),
    repeatable(1_000),
  );
});

test("checkRegisters rejects what no order of the operations explains, and nothing else", () => {
  const verdicts = { linearizable: 0, violation: 0, undecided: 0 };
  fc.assert(
    fc.property(
      linearizableHistory(small),
      fc.array(fc.tuple(fc.nat(5), anyValue), { maxLength: 3 }),
      fc.constantFrom(2, 3, 10),
      (made, changes, values) => {
        const history = withFewValues(
          changes.reduce((all, [pick, value]) => withOtherValue(all, pick, value), made),
          values,
        );
        const { verdict } = checkRegisters(history);
        verdicts[verdict] += 1;
        assert.equal(verdict, isLinearizable(history) ? "linearizable" : "violation");
      },
    ),
    repeatable(3_000),
  );
  assert.ok(verdicts.linearizable > 0 && verdicts.violation > 0, JSON.stringify(verdicts));
});

/** What had happened when the client was answered, or just before. */
function beginning(history: readonly Operation[], end: Operation, inclusive: boolean): Operation[] {
  const untilUs = end.returnUs ?? 0;
  return history
    .filter(({ callUs }) => callUs < untilUs)
    .map((operation): Operation => {
      const { returnUs = Infinity, result } = operation;
      if (returnUs < untilUs || (inclusive && operation === end) || result === "none") {
        return operation;
      }
      return { ...operation, result: "unknown", returnUs: undefined };
    });
}

test("the culprit of a violation ends the shortest beginning that cannot be explained", () => {
  fc.assert(
    fc.property(
      linearizableHistory(small),
      fc.array(fc.tuple(fc.nat(5), anyValue), { minLength: 1, maxLength: 3 }),
      (made, changes) => {
        const history = changes.reduce((all, [pick, v]) => withOtherValue(all, pick, v), made);
        const [violation] = checkRegisters(history).violations;
        if (violation === undefined) return;
        const { culprit, longest, prefix } = violation;
        assert.equal(isLinearizable(beginning(history, culprit, true)), false);
        assert.equal(isLinearizable(beginning(history, culprit, false)), true);
        assert.ok(longest.every((operation) => prefix.includes(operation)));
        assert.ok(longest.length < prefix.length && prefix.includes(culprit));
      },
    ),
    repeatable(1_000),
  );
});

test("what checkIndexes accepts is linearizable, whatever was changed", () => {
  let accepted = 0;
  fc.assert(
    fc.property(
      linearizableHistory({ ...unknownPuts, operationsMax: 20 }),
      fc.array(fc.tuple(fc.nat(20), fc.option(fc.nat(20).map(String), { nil: null })), {
        maxLength: 2,
      }),
      (made, changes) => {
        const history = changes.reduce((all, [pick, v]) => withOtherValue(all, pick, v), made);
        if (checkIndexes(history).length > 0) return;
        accepted += 1;
        assert.equal(checkRegisters(history).verdict, "linearizable");
      },
    ),
    repeatable(2_000),
  );
  assert.ok(accepted > 0);
});

test("checkIndexes rejects a changed value of a linearizable read", () => {
  fc.assert(
    fc.property(linearizableHistory(unknownPuts), fc.nat(), (made, pick) => {
      const gets = made.filter(({ kind, result }) => kind === "get" && isAnswered<unknown>(result));
      const chosen = gets[pick % Math.max(1, gets.length)];
      if (chosen?.kind !== "get" || !isAnswered(chosen.result)) return;
      // A value that was written later, or was overwritten before.
      const { key, index = 0 } = chosen;
      const puts = made.filter(
        (one) => one.key === key && one.kind === "put" && one.result === "done",
      );
      const past = puts.filter((one) => (one.index ?? 0) <= index);
      const newest = Math.max(...past.map((one) => one.index ?? 0));
      const wrong = puts.find((one) => one.index !== newest);
      const value = wrong?.kind === "put" ? wrong.arguments.value : "nobody's";
      const changed = made.map((one) => (one === chosen ? { ...chosen, result: { value } } : one));
      assert.notDeepEqual(checkIndexes(changed), []);
    }),
    repeatable(1_000),
  );
});

test("checkIndexes rejects an entry at an index that another one has", () => {
  fc.assert(
    fc.property(linearizableHistory(unknownPuts), (made) => {
      const [one, other] = made.filter(({ kind, result }) => kind === "put" && result === "done");
      if (one === undefined || other === undefined) return;
      const changed = made.map((each) => (each === one ? { ...one, index: other.index } : each));
      assert.ok(checkIndexes(changed).some(({ rule }) => rule === "unique"));
    }),
    repeatable(300),
  );
});

test("checkLocalReads rejects a value that the key did not have at the index", () => {
  fc.assert(
    fc.property(linearizableHistory(unknownPuts), fc.nat(), (made, pick) => {
      const reads = made.flatMap((one) =>
        one.kind === "getLocal" && isAnswered(one.result) ? [one] : [],
      );
      const chosen = reads[pick % Math.max(1, reads.length)];
      if (chosen === undefined) return;
      const changed = made.map((each) =>
        each === chosen ? { ...chosen, result: { value: "nobody's" } } : each,
      );
      assert.ok(checkLocalReads(changed).some(({ rule }) => rule === "value"));
    }),
    repeatable(300),
  );
});

test("a history is the same after it was written and read", () => {
  fc.assert(
    fc.property(linearizableHistory(shape), (history) => {
      const text = history.map((operation) => `${formatOperation(operation)}\n`).join("");
      assert.deepEqual(parseHistory(text), history);
    }),
    repeatable(300),
  );
});
