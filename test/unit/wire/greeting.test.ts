import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bodyKind,
  bodyOfFrame,
  commonVersion,
  decodeCbor,
  encodeCbor,
  encodeHello,
  encodeProof,
  encodeRefusal,
  encodeWelcome,
  encodeWelcomeBytes,
  greetingBytesMax,
  greetingProof,
  proofsEqual,
  readGreeting,
} from "../../../src/wire/index.ts";
import type { Hello, Welcome } from "../../../src/wire/index.ts";
import { plain } from "./sample-messages.ts";

const hello: Hello = {
  versionMin: 1,
  versionMax: 3,
  cluster: "shop",
  node: "a",
  incarnation: 2 ** 47 + 1,
  shard: 1,
  shards: 2,
  targetNode: "b",
  targetShard: 0,
  lane: "data",
  frameBytesMax: 16_777_216,
  nonce: new Uint8Array(32).fill(7),
  instance: 2 ** 40,
};
const welcome: Welcome = {
  version: 1,
  node: "b",
  incarnation: 5,
  shard: 0,
  ports: [7000, 7001, 7002],
  frameBytesMax: 1_000,
  nonce: new Uint8Array(32).fill(8),
  instance: 12,
};

function valuesOf(bytes: Uint8Array): unknown[] {
  const values = decodeCbor(bytes);
  assert.ok(Array.isArray(values));
  return values;
}

test("each greeting comes back as it went out", () => {
  const read = readGreeting(bodyOfFrame(encodeHello(hello)));
  assert.ok(read.kind === "hello");
  assert.deepEqual({ ...read.hello, nonce: plain(read.hello.nonce) }, hello);

  const welcomeBytes = encodeWelcomeBytes(welcome);
  const answer = readGreeting(bodyOfFrame(encodeWelcome(welcomeBytes, Uint8Array.of(1))));
  assert.ok(answer.kind === "welcome");
  assert.deepEqual({ ...answer.welcome, nonce: plain(answer.welcome.nonce) }, welcome);
  assert.deepEqual(plain(answer.welcomeBytes), plain(welcomeBytes));

  assert.deepEqual(readGreeting(bodyOfFrame(encodeRefusal("nodeMismatch", "why"))), {
    kind: "refusal",
    reason: "nodeMismatch",
    text: "why",
  });
  const proof = readGreeting(bodyOfFrame(encodeProof(Uint8Array.of(9))));
  assert.ok(proof.kind === "proof");
  assert.deepEqual(plain(proof.proof), Uint8Array.of(9));
});

test("fields that a newer version appends are ignored, and its reasons are called unknown", () => {
  const longer = encodeCbor([...valuesOf(bodyOfFrame(encodeHello(hello))), "new", [1]]);
  assert.equal(readGreeting(longer).kind, "hello");
  assert.deepEqual(readGreeting(encodeCbor([bodyKind.refusal, 99, "soon"])), {
    kind: "refusal",
    reason: "unknown",
    text: "soon",
  });
});

test("a hello of another version is read as far as its versions, whatever follows", () => {
  const [kind, magic] = valuesOf(bodyOfFrame(encodeHello(hello)));
  for (const [versionMin, versionMax] of [
    [1, 1],
    [7, 9],
  ]) {
    assert.deepEqual(readGreeting(encodeCbor([kind, magic, versionMin, versionMax, {}])), {
      kind: "foreignHello",
      hello: { versionMin, versionMax },
    });
  }
});

test("a greeting with any field missing or spoilt is refused", () => {
  const values = valuesOf(bodyOfFrame(encodeHello(hello)));
  for (let length = 0; length < values.length; length += 1) {
    const cut = encodeCbor(values.slice(0, length));
    assert.throws(() => readGreeting(cut), { code: "ERR_FRAME_INVALID" }, `${length} fields`);
  }
  for (let at = 0; at < values.length; at += 1) {
    for (const bad of [-1, 1.5, null, {}, "no such/thing", new Uint8Array(31)]) {
      // The name of a cluster is any text.
      if (at === 4 && typeof bad === "string") continue;
      const spoilt = encodeCbor(values.map((value, position) => (position === at ? bad : value)));
      assert.throws(() => readGreeting(spoilt), { code: "ERR_FRAME_INVALID" }, `field ${at}`);
    }
  }
});

test("a welcome whose ports do not fit its shards is refused", () => {
  const spoilt: readonly Welcome[] = [
    { ...welcome, ports: [] },
    { ...welcome, ports: [0] },
    { ...welcome, ports: [65_536] },
    { ...welcome, shard: 3 },
  ];
  for (const bad of spoilt) {
    const body = bodyOfFrame(encodeWelcome(encodeWelcomeBytes(bad), new Uint8Array(0)));
    assert.throws(() => readGreeting(body), { code: "ERR_FRAME_INVALID" });
  }
});

test("the largest greetings keep within the bound of a stranger's frame", () => {
  const largest: Hello = {
    ...hello,
    cluster: "ä".repeat(128),
    node: "n".repeat(64),
    targetNode: "m".repeat(64),
  };
  assert.ok(encodeHello(largest).length <= greetingBytesMax);
  const ports = Array.from({ length: 256 }, () => 65_535);
  const bytes = encodeWelcomeBytes({ ...welcome, node: "n".repeat(64), ports });
  assert.ok(encodeWelcome(bytes, new Uint8Array(32)).length <= greetingBytesMax);
});

test("versions meet at the highest that both speak, or not at all", () => {
  assert.equal(commonVersion(2, 2), 2);
  assert.equal(commonVersion(0, 9), 2);
  assert.equal(commonVersion(3, 9), undefined);
  assert.equal(commonVersion(0, 1), undefined);
  assert.equal(commonVersion(3, 1), undefined);
});

test("a proof depends on the secret, the side and every byte that was said", () => {
  const said = { helloBody: Uint8Array.of(1, 2), welcomeBytes: Uint8Array.of(3) };
  const proof = greetingProof("secret", "acceptor", said);
  assert.equal(proof.length, 32);
  assert.equal(proofsEqual(proof, greetingProof("secret", "acceptor", said)), true);
  const others = [
    greetingProof("secrets", "acceptor", said),
    greetingProof("secret", "dialler", said),
    greetingProof("secret", "acceptor", { ...said, welcomeBytes: Uint8Array.of(4) }),
    // The same bytes with the border elsewhere.
    greetingProof("secret", "acceptor", {
      helloBody: Uint8Array.of(1),
      welcomeBytes: Uint8Array.of(2, 3),
    }),
    proof.subarray(0, 31),
    new Uint8Array(0),
  ];
  for (const other of others) assert.equal(proofsEqual(proof, other), false);
});
