import assert from "node:assert/strict";
import { test } from "node:test";
import { findRaPlugins, newestServer } from "../../../../bench/peers/ra-plugins.ts";

const others = ["README", "rabbit-3.10.8", "ranch-2.1.0", "rabbitmq_aws-3.10.8"];

test("ra is found with what it needs, in folders and in archives", () => {
  const names = [...others, "aten-0.5.8", "gen_batch_server-0.8.8", "ra-2.2.0", "seshat-0.3.2"];
  assert.deepEqual(findRaPlugins(names), {
    version: "2.2.0",
    codePaths: [
      "ra-2.2.0/ebin",
      "aten-0.5.8/ebin",
      "gen_batch_server-0.8.8/ebin",
      "seshat-0.3.2/ebin",
    ],
  });
  assert.deepEqual(findRaPlugins(names.map((name) => `${name}.ez`)), {
    version: "2.2.0",
    codePaths: [
      "ra-2.2.0.ez/ra-2.2.0/ebin",
      "aten-0.5.8.ez/aten-0.5.8/ebin",
      "gen_batch_server-0.8.8.ez/gen_batch_server-0.8.8/ebin",
      "seshat-0.3.2.ez/seshat-0.3.2/ebin",
    ],
  });
});

test("ra without what it needs is not there", () => {
  assert.equal(findRaPlugins([...others, "ra-2.2.0", "aten-0.5.8", "seshat-0.3.2"]), undefined);
  assert.equal(findRaPlugins([]), undefined);
});

test("of several servers the newest is taken", () => {
  const names = ["rabbitmq_server-3.9.13", "erlang", "rabbitmq_server-3.10.8"];
  assert.equal(newestServer(names), "rabbitmq_server-3.10.8");
  assert.equal(newestServer(["erlang"]), undefined);
});
