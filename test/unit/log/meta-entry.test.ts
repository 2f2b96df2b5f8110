import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftError } from "../../../src/base/index.ts";
import type { ErrorCode } from "../../../src/base/index.ts";
import {
  checkIdentity,
  decodeDescriptor,
  descriptorKey,
  encodeDescriptor,
  encodeIdentity,
} from "../../../src/log/meta-entry.ts";
import { testIdentity } from "../../fixtures/store-places.ts";

const meta = {
  descriptor: {
    group: 0xffff_fffe,
    members: [
      { node: "a", incarnation: 2 ** 48 - 1 },
      { node: "b", incarnation: 1 },
    ],
    state: "disabled",
    reason: "checksum",
    cause: "damage",
  },
  born: 2 ** 40,
} as const;

function assertCode(action: () => unknown, code: ErrorCode, text: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof RaftError);
    assert.equal(error.code, code);
    assert.match(error.message, text);
    return true;
  });
}

test("decodeDescriptor gives back what encodeDescriptor was given", () => {
  const value = encodeDescriptor(meta);
  assert.deepEqual(decodeDescriptor(descriptorKey(0xffff_fffe), value), meta);
});

test("decodeDescriptor refuses a descriptor with any one bit changed", () => {
  const value = encodeDescriptor(meta);
  for (let at = 0; at < value.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const damaged = value.slice();
      damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
      assert.throws(() => decodeDescriptor(descriptorKey(0xffff_fffe), damaged), RaftError);
    }
  }
});

test("decodeDescriptor refuses a descriptor under another group's key, and a key that is none", () => {
  const value = encodeDescriptor(meta);
  const code = "ERR_STORE_CORRUPT";
  assertCode(() => decodeDescriptor(descriptorKey(1), value), code, /group 1 says/);
  assertCode(() => decodeDescriptor(Uint8Array.of(1, 2), value), code, /key 0102/);
  assertCode(() => decodeDescriptor(descriptorKey(1), new Uint8Array(3)), code, /magic/);
});

test("a descriptor or identity of a newer format is refused as such, whatever follows", () => {
  const version = Uint8Array.of(0, 0, 0, 3);
  const code = "ERR_DATA_DIR_VERSION";
  const descriptor = encodeDescriptor(meta);
  descriptor.set(version, 4);
  assertCode(() => decodeDescriptor(descriptorKey(0xffff_fffe), descriptor), code, /format 3/);
  const identity = encodeIdentity(testIdentity);
  identity.set(version, 4);
  assertCode(() => checkIdentity(identity, testIdentity), code, /format 3/);
});

test("checkIdentity names each way in which a store is another's", () => {
  const value = encodeIdentity(testIdentity);
  checkIdentity(value, testIdentity);
  const code = "ERR_DATA_DIR_FOREIGN";
  const check = (other: object) => () => checkIdentity(value, { ...testIdentity, ...other });
  assertCode(check({ cluster: "x" }), code, /cluster is "test", not "x"/);
  assertCode(check({ node: "b" }), code, /node is "a", not "b"/);
  assertCode(check({ incarnation: 5 }), code, /incarnation is \d+, not 5/);
  assertCode(check({ shard: 1 }), code, /shard is 0, not 1/);
  assertCode(check({ shards: 3, node: "c" }), code, /node is "a", not "c", shards is 2, not 3/);
});
