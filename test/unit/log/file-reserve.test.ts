import assert from "node:assert/strict";
import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FileReserve, fillHoles, growFile } from "../../../src/log/file-reserve.ts";
import type { FileUse } from "../../../src/log/file-reserve.ts";
import { makeTempDir } from "../../fixtures/store-places.ts";

const content = Buffer.alloc(100_000, "page");
const overheadBytes = 262_144;
const stepBytes = 2_097_152;

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

function use(usedBytes = content.length, freeListBytes = 0): () => FileUse {
  return () => ({ usedBytes, freeListBytes });
}

function unasked(): FileUse {
  return assert.fail("there is room enough to ask later");
}

test("growFile adds zeros behind what is there, and never shortens", () => {
  withFile((path) => {
    assert.equal(growFile(path, 3_100_000), 3_100_000);
    const grown = readFileSync(path);
    assert.equal(grown.length, 3_100_000);
    assert.ok(grown.subarray(0, 100_000).equals(content));
    assert.ok(grown.subarray(100_000).every((byte) => byte === 0));
    assert.equal(growFile(path, 50), 3_100_000);
    assert.equal(statSync(path).size, 3_100_000);
  });
});

test("FileReserve makes the room of a transaction, and more ahead of small ones", () => {
  withFile((path) => {
    const reserve = new FileReserve(path, stepBytes);
    reserve.makeRoom(1_000, use());
    const end = content.length + 1_000 + overheadBytes + stepBytes;
    assert.equal(statSync(path).size, end);
    // What LMDB takes at most of the room fits eight times into what is ahead.
    for (let more = 1; more <= 7; more += 1) reserve.makeRoom(1_000, unasked);
    let asked = false;
    reserve.makeRoom(1_000, () => {
      asked = true;
      return use()();
    });
    assert.ok(asked, "LMDB is asked before the room may be too small");
    assert.equal(statSync(path).size, end, "LMDB took none of it");
  });
});

test("FileReserve makes only the room that a large record needs", () => {
  withFile((path) => {
    new FileReserve(path, stepBytes).makeRoom(1_000_000, use());
    assert.equal(statSync(path).size, content.length + 1_000_000 + overheadBytes);
  });
});

test("FileReserve of no bytes makes only the room that is needed, each time", () => {
  withFile((path) => {
    const reserve = new FileReserve(path, 0);
    reserve.makeRoom(10, use());
    assert.equal(statSync(path).size, content.length + 10 + overheadBytes);
    reserve.makeRoom(10, use(content.length + 8_192));
    assert.equal(statSync(path).size, content.length + 8_192 + 10 + overheadBytes);
  });
});

test("FileReserve leaves room for the list of free pages, written again and again", () => {
  withFile((path) => {
    new FileReserve(path, 0).makeRoom(10, use(content.length, 1_000_000));
    assert.equal(statSync(path).size, content.length + 10 + overheadBytes + 3_000_000);
  });
});

test("FileReserve refuses a transaction that has no room, and says what to do", () => {
  const reserve = new FileReserve("/nowhere/data", stepBytes);
  for (const _ of [1, 2]) {
    assert.throws(() => reserve.makeRoom(1_000, use()), {
      code: "ERR_STORE_FAILED",
      message: /Cannot make room for 1000 bytes in \/nowhere\/data: ENOENT/,
    });
  }
  assert.throws(() => new FileReserve("/dev/full", 0).makeRoom(1_000, use()), {
    code: "ERR_STORE_FAILED",
    message: /ENOSPC.*; free space on its file system, then open it again$/,
  });
});

test("fillHoles gives a file its blocks and changes no byte", () => {
  withFile((path) => {
    const file = openSync(path, "r+");
    ftruncateSync(file, 3_000_001);
    writeSync(file, content, 0, content.length, 2_000_000);
    closeSync(file);
    const before = readFileSync(path);
    const { size, blocks } = statSync(path);
    assert.ok(blocks * 512 < size, "there are holes");
    fillHoles(path);
    assert.ok(statSync(path).blocks * 512 >= size, "there are none left");
    assert.ok(readFileSync(path).equals(before));
  });
});
