import assert from "node:assert/strict";
import { test } from "node:test";
import {
  describeSetting,
  formatBytes,
  formatShort,
  nameInWords,
} from "../../../../bench/report/format.ts";

test("numbers have three digits and never a thousand of a scale", () => {
  const texts = [0, 0.041_26, 1, 999.4, 999.96, 1_000, 12_345, 999_950, 1.5e6].map(formatShort);
  assert.deepEqual(texts, ["0", "0.0413", "1", "999", "1k", "1k", "12.3k", "1M", "1.5M"]);
  assert.deepEqual([16, 1_024, 1_536, 2 ** 20].map(formatBytes), [
    "16 B",
    "1 KiB",
    "1.5 KiB",
    "1 MiB",
  ]);
});

test("names and settings read as words", () => {
  assert.equal(nameInWords("cpuPerProposal"), "CPU per proposal");
  assert.equal(describeSetting("groups", 1), "1 group");
  assert.equal(describeSetting("groups", 1_000), "1,000 groups");
  assert.equal(describeSetting("valueBytes", 1_024), "1 KiB values");
  assert.equal(describeSetting("blockBytesMax", 4_096), "block bytes max 4 KiB");
  assert.equal(describeSetting("durability", "strict"), "strict");
});
