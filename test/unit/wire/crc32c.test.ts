import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c, joinCrc32c } from "../../../src/wire/index.ts";

test("crc32c gives the check value of RFC 3720 and its test vectors", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e);
  assert.equal(crc32c(new Uint8Array(0)), 0);
});

/** Bit by bit, as the definition says it. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

test("crc32c agrees with the definition at every length on both sides of the native border", () => {
  const bytes = Uint8Array.from({ length: 700 }, (_, at) => (at * 197 + (at >> 3)) & 0xff);
  for (let length = 0; length <= 600; length += 1) {
    const part = bytes.subarray(3, 3 + length);
    assert.equal(crc32c(part), slowCrc32c(part), `length ${length}`);
  }
});

test("a checksum goes on where another ended, and two join to that of both", () => {
  const bytes = Uint8Array.from({ length: 5_000 }, (_, at) => (at * 131 + (at >> 5)) & 0xff);
  for (const length of [0, 1, 3, 255, 256, 4_096, 5_000]) {
    for (const cut of [0, 1, 200, 300, length].filter((at) => at <= length)) {
      const first = crc32c(bytes.subarray(0, cut));
      const rest = bytes.subarray(cut, length);
      const both = crc32c(bytes.subarray(0, length));
      assert.equal(crc32c(rest, first), both, `${cut} of ${length} bytes, then the rest`);
      assert.equal(joinCrc32c(first, crc32c(rest), rest.length), both, `${cut} and the rest`);
    }
  }
});
