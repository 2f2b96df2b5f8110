import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../src/base/index.ts";

test("every limit is a positive safe integer", () => {
  for (const [name, value] of Object.entries(limits)) {
    assert.ok(Number.isSafeInteger(value) && value > 0, name);
  }
});

test("the largest command fits into a frame beside what surrounds it", () => {
  assert.ok(limits.commandBytesMax + 65_536 < limits.frameBytesMax);
});

test("a frame has room for every message that it may carry", () => {
  assert.ok(limits.messageBlocksMax <= limits.frameMessagesMax);
  assert.ok(limits.membersMax <= limits.nodesMax);
});
