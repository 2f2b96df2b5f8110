import assert from "node:assert/strict";
import { test } from "node:test";
import { workerFile } from "../../../src/engine/worker-pool.ts";

test("a worker module that a bundler left behind is an error of its own, which says what to do", () => {
  assert.match(workerFile(), /shard\/worker\.js$/);
  assert.throws(() => workerFile("file:///bundle/main.js"), {
    code: "ERR_WORKER_MISSING",
    message: /\/shard\/worker\.js beside \/bundle\/main\.js/,
    remedy: /external/,
  });
});
