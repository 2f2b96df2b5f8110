import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveOptions } from "../../../src/base/index.ts";
import { raftOptionTable } from "../../../src/raft/index.ts";

test("raftOptionTable's defaults lie in their ranges and heartbeats come well before an election", () => {
  const options = resolveOptions(raftOptionTable, {});
  assert.ok(options.heartbeatTicks * 2 < options.electionTicks);
  assert.ok(options.appendBytesMax <= options.inflightBytesMax);
  for (const spec of Object.values(raftOptionTable)) {
    assert.ok(spec.default >= spec.min && spec.default <= spec.max);
    assert.ok(spec.why.length > 20);
  }
});

test("raftOptionTable refuses a window of no messages and an election timeout of one tick", () => {
  assert.throws(
    () => resolveOptions(raftOptionTable, { inflightMessagesMax: 0, electionTicks: 1 }),
    (error: unknown) =>
      error instanceof Error &&
      error.message.includes("inflightMessagesMax must be from 1") &&
      error.message.includes("electionTicks must be from 2"),
  );
});
