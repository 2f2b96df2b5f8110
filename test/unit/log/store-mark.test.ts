/** A store that has been made is never made anew in its place. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LmdbStore, SegmentStore } from "../../../src/log/index.ts";
import type { LogStore } from "../../../src/log/index.ts";
import { testIdentity, withDir } from "../../fixtures/store-places.ts";

type OpenStore = (dir: string, mark: string) => LogStore;

const sizes = { preallocateBytes: 0, segmentBytes: 65_536 };
const forms: Readonly<Record<string, OpenStore>> = {
  lmdb: (dir, mark) =>
    new LmdbStore({ dir, mark, identity: testIdentity, durability: "strict", ...sizes }),
  segments: (dir, mark) =>
    new SegmentStore({ dir, mark, identity: testIdentity, durability: "strict", ...sizes }),
};

const lost = { code: "ERR_STORE_CORRUPT", message: /is missing, though it was in use/ };

for (const [form, storeIn] of Object.entries(forms)) {
  test(`a store of ${form} whose directory is lost or empty is refused, and nothing is made`, async () => {
    await withDir(async (place) => {
      const [dir, mark] = [join(place, "store"), join(place, "store.made")];
      const open = async (): Promise<void> => {
        const store = storeIn(dir, mark);
        await store.open();
        await store.close();
      };
      await open();
      assert.equal(statSync(mark).mode & 0o777, 0o600);
      await open();
      rmSync(dir, { recursive: true });
      await assert.rejects(open(), lost);
      assert.equal(existsSync(dir), false);
      // As a volume that is not mounted looks.
      mkdirSync(dir);
      await assert.rejects(open(), lost);
    });
  });

  test(`a store of ${form} that has lost its mark is opened and marked again`, async () => {
    await withDir(async (place) => {
      const [dir, mark] = [join(place, "store"), join(place, "store.made")];
      for (let time = 0; time < 2; time += 1) {
        const store = storeIn(dir, mark);
        await store.open();
        assert.equal(existsSync(mark), true);
        await store.close();
        unlinkSync(mark);
      }
    });
  });
}
