import assert from "node:assert/strict";
import { test } from "node:test";
import { identityEntry, openSegmentEnv } from "../../../src/log/index.ts";
import type { LogEnv, SegmentFile } from "../../../src/log/index.ts";
import { SegmentDirectory } from "../../../src/log/segment-directory.ts";
import { encodeSegmentHeader } from "../../../src/log/segment-format.ts";
import { crc32c } from "../../../src/wire/index.ts";
import { testIdentity, withDir } from "../../fixtures/store-places.ts";
import { recordOf } from "./record-of.ts";

const taken = { code: "ERR_STORE_FAILED", message: /another process has opened/ };

test("a write that was in flight when another opened the log lands on nothing of its", async () => {
  await withDir(async (dir) => {
    const files = new SegmentDirectory(dir, true);
    const options = { segmentBytes: 65_536, durable: true };
    const identity = identityEntry(testIdentity);
    const open = async (its: SegmentDirectory): Promise<LogEnv> => {
      const env = await openSegmentEnv({ ...options, files: its }, identity, async () => {});
      await env.claim([identity]);
      return env;
    };
    const old = await open(files);
    await old.write([], 1, recordOf(1, []));
    const bytes = 65_536;
    const header = encodeSegmentHeader({ store: crc32c(identity.value), segment: 2, bytes });
    const late = [files.open(1), await files.make(2, bytes, header)];
    const nextFiles = new SegmentDirectory(dir, true);
    const next = await open(nextFiles);
    const noise = new Uint8Array(bytes - 4_096).fill(0xaa);
    for (const file of late) await file.write(noise, 4_096, 0);
    await next.write([], 2, recordOf(2, []));
    await assert.rejects(async () => old.write([], 2, recordOf(2, [])), taken);
    await assert.rejects(files.make(3, bytes, noise), taken);
    // More than a segment holds: the one that the old owner had made is made anew.
    for (let sequence = 3; sequence <= 20; sequence += 1) {
      await next.write([], sequence, recordOf(sequence, []));
    }
    for (const file of late) await file.write(noise, 4_096, 0);
    for (const file of late) file.close();
    await old.close();
    await next.close();
    const found = await open(new SegmentDirectory(dir, true));
    assert.equal(found.lastSequence(), 20);
    for (let sequence = 1; sequence <= 20; sequence += 1) {
      assert.deepEqual(found.record(sequence), recordOf(sequence, []));
    }
    await found.close();
  });
});

test("of two that make the same segment the owner's stays", async () => {
  await withDir(async (dir) => {
    const [old, next] = [new SegmentDirectory(dir, true), new SegmentDirectory(dir, true)];
    for (const files of [old, next]) {
      files.list();
      files.claim();
    }
    (await next.make(1, 8_192, Uint8Array.of(1))).close();
    await assert.rejects(old.make(1, 8_192, Uint8Array.of(2)), taken);
    const reader = next.openReader(1);
    const first = new Uint8Array(1);
    reader.read(first, 0);
    assert.deepEqual(first, Uint8Array.of(1));
    reader.close();
    // The owner itself may replace what is there.
    (await next.make(1, 8_192, Uint8Array.of(3))).close();
    for (const files of [old, next]) files.close();
  });
});

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
    await env.claim([]);
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
