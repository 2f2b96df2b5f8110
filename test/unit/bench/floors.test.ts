import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  floorNames,
  measureFloors,
  parseFloorLine,
  whyNoFloors,
} from "../../../bench/lib/floors.ts";
import { skipWithout } from "../../native/skip-without.ts";
import { root } from "../../tidy/source-tree.ts";

const lmdbSource = join(root, "node_modules/lmdb/dependencies/lmdb/libraries/liblmdb/mdb.c");

test("a line of a program becomes a point with units", () => {
  const line =
    '{"floor":"append","settings":{"mode":"dsync","bytes":4096},"figures":{"rate":5000.5,"p50us":170}}';
  assert.deepEqual(parseFloorLine(line), {
    settings: { floor: "append", mode: "dsync", bytes: 4096 },
    figures: {
      rate: { value: 5000.5, unit: "/s", better: "higher", samples: [5000.5] },
      p50: { value: 170, unit: "us", better: "lower", samples: [170] },
    },
  });
});

test("a line that could not be measured keeps the remark that says why", () => {
  const line = '{"floor":"append","settings":{"mode":"direct"},"figures":{},"remark":"refused"}';
  const { figures, remark } = parseFloorLine(line);
  assert.deepEqual([figures, remark], [{}, "refused"]);
});

test("a line of another shape is refused by what is wrong with it", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["", /JSON/],
    ["null", /is not an object/],
    ['{"settings":{},"figures":{}}', /names no floor/],
    ['{"floor":"append","figures":{}}', /has no settings/],
    ['{"floor":"append","settings":{}}', /has no figures/],
    ['{"floor":"append","settings":{"mode":true},"figures":{}}', /setting mode/],
    ['{"floor":"append","settings":{},"figures":{"speed":1}}', /unknown figure speed/],
    ['{"floor":"append","settings":{},"figures":{"rate":"1"}}', /rate that is no number/],
  ];
  for (const [line, expected] of cases) assert.throws(() => parseFloorLine(line), expected);
});

test("each floor compiles without a warning, gives points and leaves nothing behind", async (t) => {
  if (skipWithout(t, whyNoFloors())) return;
  const dir = mkdtempSync(join(tmpdir(), "flotilla-floors-"));
  try {
    for (const name of floorNames) {
      if (name === "lmdb" && !existsSync(lmdbSource)) {
        t.diagnostic(`${lmdbSource} is missing: LMDB's floor was not built`);
        continue;
      }
      const { points, remark } = await measureFloors(dir, [name], {
        seconds: 0.001,
        bytes: [4096],
      });
      assert.equal(remark, "");
      assert.ok(points.length > 0, name);
      for (const { settings, figures, remark: obstacle } of points) {
        assert.deepEqual([settings["floor"], settings["bytes"]], [name, 4096]);
        assert.ok((figures["rate"]?.value ?? 0) > 0 || obstacle !== undefined, name);
      }
    }
    assert.deepEqual(readdirSync(dir), []);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("a floor that fails is named with the program's own words", async (t) => {
  if (skipWithout(t, whyNoFloors())) return;
  const { points, remark } = await measureFloors("/nowhere", ["append"], { seconds: 0.001 });
  assert.deepEqual(points, []);
  assert.match(remark, /^append was not measured: \/nowhere.*No such file/);
});
