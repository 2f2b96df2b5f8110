import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Inflights } from "../../src/raft/tracker/inflights.ts";
import { repeatable } from "./raft-repeat.ts";

interface Sent {
  readonly last: number;
  readonly bytes: number;
}

const action = fc.oneof(
  fc.record({ step: fc.integer({ min: 1, max: 5 }), bytes: fc.integer({ min: 0, max: 30 }) }),
  fc.record({ back: fc.integer({ min: -3, max: 20 }) }),
  fc.constant("reset" as const),
);

test("Inflights counts like a plain list of what was sent", () => {
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 60 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 60 }),
      (actions, messagesMax, bytesMax) => {
        const inflights = new Inflights(messagesMax, bytesMax);
        let model: Sent[] = [];
        let newest = 0;
        const isFull = (): boolean =>
          model.length >= messagesMax ||
          model.reduce((sum, { bytes }) => sum + bytes, 0) >= bytesMax;
        for (const one of actions) {
          if (one === "reset") {
            inflights.reset();
            model = [];
          } else if ("back" in one) {
            inflights.freeTo(newest - one.back);
            model = model.filter(({ last }) => last > newest - one.back);
          } else if (!isFull()) {
            newest += one.step;
            inflights.add(newest, one.bytes);
            model.push({ last: newest, bytes: one.bytes });
          }
          assert.equal(inflights.count, model.length);
          assert.equal(inflights.full, isFull());
        }
      },
    ),
    repeatable(1000),
  );
});
