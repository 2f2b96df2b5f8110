import assert from "node:assert/strict";
import { test } from "node:test";
import { tuningOf } from "../../../../bench/lib/engine-settings.ts";
import { defaultSettings, describeOptions, tuneKnobs } from "../../../../bench/tune/knobs.ts";

test("every knob knows its default, and the engine takes each of its values", () => {
  for (const cores of [1, 2, 5, 64]) {
    const defaults = defaultSettings(cores);
    for (const knob of tuneKnobs(cores)) {
      const place = knob.placeOf(defaults);
      assert.notEqual(place, -1, knob.name);
      assert.deepEqual(knob.turn(defaults, place), defaults);
      for (let at = 0; at < knob.count; at += 1) {
        const { outstanding: _load, ...options } = knob.turn(defaults, at);
        assert.doesNotThrow(() => tuningOf(options), knob.name);
      }
    }
    assert.equal(tuneKnobs(cores).length, Object.keys(defaults).length);
  }
});

test("options to paste hold the two decisions and what differs from the defaults", () => {
  const settings = { ...defaultSettings(2), durability: "pipelined", blockBytesMax: 65_536 };
  const text = describeOptions({ ...settings, groups: 1_000, machine: "checksum" });
  assert.equal(text, '{\n  durability: "pipelined",\n  shards: 1,\n  blockBytesMax: 65_536,\n}');
});
