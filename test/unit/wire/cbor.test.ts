import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { decodeCbor, decodeDocument, encodeDocument, encodeCbor } from "../../../src/wire/index.ts";
import { plain } from "./sample-messages.ts";

const hex = (text: string): Uint8Array => Buffer.from(text.replace(/ /g, ""), "hex");

function assertRefused(bytes: Uint8Array, says: RegExp): void {
  assert.throws(() => decodeCbor(bytes), { code: "ERR_FRAME_INVALID", message: says });
}

test("plain data comes back as it went in", () => {
  const values = [
    0,
    23,
    24,
    255,
    65_536,
    -1,
    -24,
    -300,
    2 ** 32 - 1,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    1.5,
    Number.POSITIVE_INFINITY,
    "",
    "Größe",
    "x".repeat(70_000),
    true,
    false,
    null,
    undefined,
    [],
    [1, [2, [3]]],
    { a: 1, b: { c: "d" } },
  ];
  for (const value of values) assert.deepEqual(decodeCbor(encodeCbor(value)), value);
});

test("byte strings are written without a tag and read as views", () => {
  const bytes = encodeCbor(Uint8Array.of(1, 2, 3));
  assert.equal(Buffer.from(bytes).toString("hex"), "43010203");
  const value = decodeCbor(bytes);
  assert.ok(value instanceof Uint8Array);
  bytes[1] = 9;
  assert.deepEqual(plain(value), Uint8Array.of(9, 2, 3));
});

test("what encodeCbor returns is not overwritten by the next call", () => {
  const first = encodeCbor([1, "first"]);
  encodeCbor([2, "second, and longer"]);
  assert.deepEqual(decodeCbor(first), [1, "first"]);
});

test("integers of other encoders are read: 64-bit ones, and longer forms than needed", () => {
  assert.equal(decodeCbor(hex("1b 001fffffffffffff")), Number.MAX_SAFE_INTEGER);
  assert.equal(decodeCbor(hex("1b 0000000000000001")), 1);
  assert.equal(decodeCbor(hex("3b 00000000ffffffff")), -(2 ** 32));
  assert.equal(decodeCbor(hex("1a 00000005")), 5);
  assert.equal(decodeCbor(hex("f9 3c00")), 1);
});

test("tags are refused, the dangerous and the harmless alike", () => {
  assertRefused(hex("c2 41 01"), /tag 2/);
  assertRefused(hex("c3 41 01"), /tag 3/);
  assertRefused(hex("d8 1b 82 65 4572726f72 60"), /tag 27/);
  assertRefused(hex("c1 00"), /tag 1/);
  assertRefused(hex("d9 dfff 83 19e000 80 00"), /tag 57343/);
  assertRefused(hex("82 01 c2 41 01"), /tag 2/);
});

test("a bignum of a megabyte is refused before it can cost anything", () => {
  const bomb = new Uint8Array(1_000_006).fill(0xff);
  bomb.set([0xc2, 0x5a, 0x00, 0x0f, 0x42, 0x40]);
  assertRefused(bomb, /tag 2/);
});

test("nesting is read up to the limit of 8 and refused beyond it", () => {
  const nested = (depth: number): Uint8Array =>
    Uint8Array.from({ length: depth + 1 }, (_, at) => (at < depth ? 0x81 : 0x01));
  assert.deepEqual(decodeCbor(nested(8)), [[[[[[[[1]]]]]]]]);
  assertRefused(nested(9), /deeper than 8/);
  assertRefused(nested(1_000_000), /deeper than 8/);
  assertRefused(new Uint8Array(1_000_000).fill(0xa1), /deeper than 8/);
});

test("documents of users nest up to 64 levels, and no deeper", () => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 64; depth += 1) deep = [deep];
  assert.deepEqual(decodeDocument(encodeDocument(deep)), deep);
  assert.throws(() => encodeDocument([deep]), /deeper than 64/);
  assert.throws(() => decodeDocument(new Uint8Array(1_000_000).fill(0x81)), /deeper than 64/);
});

test("lengths that the bytes do not hold are refused", () => {
  for (const claim of [
    "5a ffffffff",
    "7a ffffffff",
    "9a ffffffff",
    "ba 7fffffff",
    "9b 00000001 00000000",
  ]) {
    assertRefused(hex(claim), /ends inside/);
  }
  for (const cut of ["", "18", "19 01", "1b 00", "82 01", "a1 01", "43 01 02", "fb 00"]) {
    assertRefused(hex(cut), /ends inside/);
  }
  assertRefused(hex("01 02"), /1 bytes follow/);
});

test("indefinite lengths, reserved heads, odd simple values and integers beyond 2^53-1 are refused", () => {
  for (const head of ["9f ff", "bf ff", "5f ff", "7f ff", "1c", "1f", "ff"]) {
    assertRefused(hex(head), /indefinite or reserved/);
  }
  for (const simple of ["e0", "f3", "f8 20", "f8 ff"]) assertRefused(hex(simple), /simple value/);
  assertRefused(hex("1b 0020000000000000"), /2\^53-1/);
  assertRefused(hex("1b ffffffffffffffff"), /2\^53-1/);
});

test("more items than a frame can need are refused before they are decoded", () => {
  const bytes = new Uint8Array(5 + 5_000_000).fill(0x01);
  bytes.set(hex("9a 004c4b40"));
  assertRefused(bytes, /more than 4194304 items/);
});

test("a map key that is no name is refused, and __proto__ reaches no prototype", () => {
  assertRefused(hex("a1 80 01"), /Invalid CBOR/);
  const value = decodeCbor(hex("a1 69 5f5f70726f746f5f5f a1 61 78 01"));
  assert.ok(typeof value === "object" && value !== null);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal("x" in value, false);
});

test("what could not be decoded is refused when it is encoded", () => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 9; depth += 1) deep = [deep];
  for (const value of [new Date(0), new Map([[1, 2]]), new Set([1]), 2n ** 60n, deep, () => 1]) {
    assert.throws(() => encodeCbor(value), { code: "ERR_OPTION_INVALID" });
  }
});

test("documents hold nothing that would arrive as an empty object", () => {
  const strange = {
    promise: Promise.resolve(1),
    weakMap: new WeakMap(),
    weakRef: new WeakRef({}),
    url: new URL("file:///a"),
    boxed: Object(1),
    iterator: [1][Symbol.iterator](),
    abort: new AbortController().signal,
  };
  for (const [name, value] of Object.entries(strange)) {
    for (const document of [value, [value], { a: { b: [value] } }]) {
      const refused = { code: "ERR_OPTION_INVALID", message: /is no plain object/ };
      assert.throws(() => encodeDocument(document), refused, name);
    }
  }
});

test("documents hold objects of other realms, of no prototype, and of a user's class", () => {
  class Point {
    readonly x = 1;
  }
  const foreign: unknown = runInNewContext("({ a: [1, { b: null }], c: [new Uint8Array([7])] })");
  const bare: unknown = Object.assign(Object.create(null), { d: 2 });
  const document = [new Point(), foreign, bare];
  const same = [{ x: 1 }, { a: [1, { b: null }], c: [Uint8Array.of(7)] }, { d: 2 }];
  assert.deepEqual(encodeDocument(document), encodeDocument(same));
});

test("a document whose object can be iterated is refused, and not taken apart", () => {
  class Pages {
    readonly first = 1;
    *[Symbol.iterator](): Generator<number> {
      yield this.first;
    }
  }
  const refused = { code: "ERR_OPTION_INVALID", message: /plain data/ };
  assert.throws(() => encodeDocument([new Pages()]), refused);
});
