import assert from "node:assert/strict";
import { test } from "node:test";
import { engineListArgument, engineSettingsOf } from "../../../bench/lib/engine-settings.ts";

test("options of the engine are read with their values, and combined", () => {
  const one = engineListArgument("blockBytesMax=4096,65536", {});
  const both = engineListArgument("applyError=disable", one);
  assert.deepEqual(engineSettingsOf(both), [
    { blockBytesMax: 4_096, applyError: "disable" },
    { blockBytesMax: 65_536, applyError: "disable" },
  ]);
  assert.deepEqual(engineSettingsOf({}), [{}]);
});

test("what the engine would refuse is refused before anything is started", () => {
  const faults: readonly (readonly [string, RegExp])[] = [
    ["blockBytesMax", /must be NAME=VALUE/],
    ["blockBytesMax=0", /blockBytesMax must be from 1 to 4194304 bytes, got 0/],
    ["blockBytesMax=many", /blockBytesMax must be an integer/],
    ["blockBytes=1", /blockBytes is not an option/],
    ["applyError=maybe", /applyError must be one of result, disable/],
    ["shards=2", /shards is set by --shards/],
  ];
  for (const [text, message] of faults) {
    assert.throws(() => engineListArgument(text, {}), message, text);
  }
});
