import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftError, diskFailure } from "../../../src/base/index.ts";

const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });

test("diskFailure says what failed, why, and what helps", () => {
  const error = diskFailure("write the log", full);
  assert.ok(error instanceof RaftError);
  assert.equal(error.code, "ERR_STORE_FAILED");
  assert.equal(error.outcome, "unknown");
  assert.equal(error.cause, full);
  assert.equal(
    error.message,
    "Cannot write the log: ENOSPC: no space left on device, write; free space on its file system, then open it again",
  );
  assert.equal(diskFailure("lock it", full, "none").outcome, "none");
});

test("diskFailure gives no advice where it knows none", () => {
  assert.equal(diskFailure("read", new Error("odd")).message, "Cannot read: odd");
  assert.equal(diskFailure("read", "gone").message, "Cannot read: gone");
});
