import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FileReserve, growFile } from "../../../src/log/file-reserve.ts";
import { makeTempDir } from "../../fixtures/store-places.ts";

const content = Buffer.alloc(100_000, "page");

function withFile(run: (path: string) => void): void {
  const dir = makeTempDir();
  try {
    const path = join(dir, "data");
    writeFileSync(path, content);
    run(path);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("growFile adds zeros behind what is there", () => {
  withFile((path) => {
    growFile(path, 3_000_000);
    const grown = readFileSync(path);
    assert.equal(grown.length, 3_100_000);
    assert.ok(grown.subarray(0, 100_000).equals(content));
    assert.ok(grown.subarray(100_000).every((byte) => byte === 0));
  });
});

test("FileReserve keeps zeros ahead of small records and leaves large ones to the file system", () => {
  withFile((path) => {
    const reserve = new FileReserve(path, 2_097_152);
    reserve.keepAhead(1_000, () => content.length);
    assert.equal(statSync(path).size, content.length + 2_097_152);
    reserve.keepAhead(1_000, () => assert.fail("there is room enough to ask later"));
  });
  withFile((path) => {
    new FileReserve(path, 2_097_152).keepAhead(1_000_000, () => content.length);
    assert.equal(statSync(path).size, content.length);
  });
});

test("FileReserve of no bytes never touches the file", () => {
  new FileReserve("/nowhere", 0).keepAhead(1_000, () => assert.fail("nobody asks"));
});

test("FileReserve gives up, silently, where the file cannot grow", () => {
  const reserve = new FileReserve("/nowhere", 1_048_576);
  reserve.keepAhead(1_000, () => 0);
  reserve.keepAhead(1_000, () => assert.fail("it does not try again"));
});
