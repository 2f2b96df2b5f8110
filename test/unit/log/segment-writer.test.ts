import assert from "node:assert/strict";
import { test } from "node:test";
import { identityEntry, openSegmentEnv } from "../../../src/log/index.ts";
import type { SegmentFile } from "../../../src/log/index.ts";
import { SegmentDirectory } from "../../../src/log/segment-directory.ts";
import { testIdentity, withDir } from "../../fixtures/store-places.ts";
import { recordOf } from "./record-of.ts";

/** Its segments throw before they have begun to write. */
class ThrowingDirectory extends SegmentDirectory {
  throwing = false;

  override open(segment: number): SegmentFile {
    const file = super.open(segment);
    return {
      segment,
      bytes: file.bytes,
      write: (bytes, at, lane) => {
        if (this.throwing) throw new Error("EMFILE: too many open files");
        return file.write(bytes, at, lane);
      },
      close: () => file.close(),
    };
  }
}

test("a file that throws at once fails its frame and those behind it, and none waits", async () => {
  await withDir(async (dir) => {
    const files = new ThrowingDirectory(dir, true);
    const options = { files, segmentBytes: 65_536, durable: true };
    const env = await openSegmentEnv(options, identityEntry(testIdentity), async () => {});
    await env.write([], 1, recordOf(1, []));
    files.throwing = true;
    const writes = [2, 3, 4, 5].map((sequence) => env.write([], sequence, recordOf(sequence, [])));
    for (const result of await Promise.allSettled(writes)) {
      assert.ok(result.status === "rejected", "a frame that was not written is not acknowledged");
      assert.match(String(result.reason), /EMFILE/);
    }
    await env.close();
  });
});
