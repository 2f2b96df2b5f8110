import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SmallMap } from "../../../src/base/index.ts";

type Step = readonly ["set", number, string] | readonly ["delete", number] | readonly ["clear"];

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant("set" as const), fc.nat(4), fc.string()),
  fc.tuple(fc.constant("delete" as const), fc.nat(4)),
  fc.constant(["clear"] as const),
);

test("a small map does what a Map does, in the same order", () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const small = new SmallMap<number, string>();
      const map = new Map<number, string>();
      for (const [what, key, value] of steps) {
        const before = small.keys;
        const keysBefore = [...before];
        if (what === "set") {
          small.set(key, value);
          map.set(key, value);
        } else if (what === "delete") {
          small.delete(key);
          map.delete(key);
        } else {
          small.clear();
          map.clear();
        }
        assert.deepEqual(before, keysBefore, "what was read does not change");
        assert.deepEqual(small.keys, [...map.keys()]);
        assert.deepEqual(small.values, [...map.values()]);
        assert.equal(small.size, map.size);
        for (let at = 0; at <= 4; at += 1) {
          assert.equal(small.get(at), map.get(at));
          assert.equal(small.has(at), map.has(at));
        }
      }
    }),
  );
  assert.deepEqual(new SmallMap([[1, "a"]]).values, ["a"]);
});
