import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bodyOfFrame,
  encodeFrame,
  encodeHello,
  encodeProof,
  greetingProof,
} from "../../../src/wire/index.ts";
import {
  RawPeer,
  addressOf,
  helloOf,
  linkUp,
  refusedOf,
  startNode,
  until,
} from "./transport-rig.ts";

test("nodes with the same secret reach each other", async (t) => {
  const a = await startNode(t, "a", { secret: "sesame" });
  const b = await startNode(t, "b", { secret: "sesame" });
  a.transport.setPeers({ b: addressOf(b) });
  const link = await linkUp(a.transport, "b");
  link.send("control", [encodeFrame("hello")]);
  link.send("data", [encodeFrame("hello")]);
  await until("both arrived", () => b.recorder.frames.length === 2);
  assert.deepEqual(refusedOf(a), {});
  assert.deepEqual(refusedOf(b), {});
});

for (const [who, ours, theirs, reason] of [
  ["another secret", "sesame", "open", "proofInvalid"],
  ["a secret where we have none", undefined, "sesame", "secretRequired"],
  ["no secret where we have one", "sesame", undefined, "proofInvalid"],
] as const) {
  test(`a node with ${who} is never linked to`, async (t) => {
    const a = await startNode(t, "a", { secret: ours });
    const b = await startNode(t, "b", { secret: theirs });
    a.transport.setPeers({ b: addressOf(b) });
    a.transport.link("b", 0);
    await until("it was refused", () => (refusedOf(a)[reason] ?? 0) > 1);
    assert.equal(a.transport.link("b", 0), undefined);
    assert.deepEqual(a.recorder.ups, []);
  });
}

test("frames of a dialler without the secret never reach the shard", async (t) => {
  const a = await startNode(t, "a", { secret: "sesame" });
  const hello = encodeHello(helloOf());
  const attempts = {
    // Our own proof sent back, a proof under another secret, one of the wrong length.
    reflected: (own: Uint8Array) => own,
    guessed: (_own: Uint8Array, welcomeBytes: Uint8Array) =>
      greetingProof("guess", "dialler", { helloBody: bodyOfFrame(hello), welcomeBytes }),
    empty: () => new Uint8Array(0),
  };
  let refused = 0;
  for (const attempt of Object.values(attempts)) {
    const raw = await RawPeer.dial(t, a.transport.port);
    raw.write(hello);
    const answer = await raw.answer();
    assert.ok(answer.kind === "welcome");
    const proof = attempt(answer.proof, answer.welcomeBytes);
    raw.write(Buffer.concat([encodeProof(proof), encodeFrame("stolen")]));
    const refusal = await raw.answer();
    assert.ok(refusal.kind === "refusal");
    assert.equal(refusal.reason, "proofInvalid");
    refused += 1;
    assert.deepEqual(refusedOf(a), { proofInvalid: refused });
  }
  const silent = await RawPeer.dial(t, a.transport.port);
  silent.write(hello);
  assert.equal((await silent.answer()).kind, "welcome");
  silent.write(encodeFrame("stolen"));
  await silent.end();
  assert.deepEqual(a.recorder.values, []);
});

test("a recorded greeting cannot be played again, since the acceptor's nonce is fresh", async (t) => {
  const a = await startNode(t, "a", { secret: "sesame" });
  const hello = encodeHello(helloOf());
  const greet = async (): Promise<{ readonly raw: RawPeer; readonly proof: Uint8Array }> => {
    const raw = await RawPeer.dial(t, a.transport.port);
    raw.write(hello);
    const answer = await raw.answer();
    assert.ok(answer.kind === "welcome");
    const said = { helloBody: bodyOfFrame(hello), welcomeBytes: answer.welcomeBytes };
    return { raw, proof: encodeProof(greetingProof("sesame", "dialler", said)) };
  };
  const first = await greet();
  first.raw.write(Buffer.concat([first.proof, encodeFrame("mine")]));
  await until("it arrived", () => a.recorder.values.length === 1);
  const second = await greet();
  second.raw.write(Buffer.concat([first.proof, encodeFrame("replayed")]));
  await until("it was refused", () => refusedOf(a)["proofInvalid"] === 1);
  assert.deepEqual(a.recorder.values, ["mine"]);
});

test("a secret is changed on one node after another while all of them reach each other", async (t) => {
  const nodes = await Promise.all(["a", "b"].map((node) => startNode(t, node, { secret: "old" })));
  const [a, b] = nodes;
  assert.ok(a !== undefined && b !== undefined);
  /** New connections in both directions come up. */
  const check = async (): Promise<void> => {
    for (const [from, to, name] of [
      [a, b, "b"],
      [b, a, "a"],
    ] as const) {
      from.transport.setPeers({});
      from.transport.setPeers({ [name]: addressOf(to) });
      await linkUp(from.transport, name);
    }
  };
  await check();
  for (const secret of [["new", "old"], "new"]) {
    for (const { transport } of nodes) {
      transport.renewCredentials({ secret });
      await check();
    }
  }
  assert.deepEqual([refusedOf(a), refusedOf(b)], [{}, {}]);
  const late = await startNode(t, "c", { secret: "old" });
  late.transport.setPeers({ a: addressOf(a) });
  late.transport.link("a", 0);
  await until("the old one counts no longer", () => (refusedOf(late)["proofInvalid"] ?? 0) > 0);
});

test("credentials that cannot be used, or where there were none, change nothing", async (t) => {
  const a = await startNode(t, "a", { secret: "s" });
  const b = await startNode(t, "b", { secret: "s" });
  for (const secret of ["", [], ["x", "y", "z"], ["x", ""]]) {
    assert.throws(() => a.transport.renewCredentials({ secret }), {
      code: "ERR_OPTION_INVALID",
      message: /secret must be a string that is not empty, or 2 of them/,
    });
  }
  const tls = { key: "k", cert: "c", ca: "a" };
  assert.throws(() => a.transport.renewCredentials({ secret: "t", tls }), {
    code: "ERR_OPTION_INVALID",
    message: /tls cannot be added/,
  });
  const bare = await startNode(t, "c");
  assert.throws(() => bare.transport.renewCredentials({ secret: "t" }), {
    message: /secret cannot be added/,
  });
  a.transport.setPeers({ b: addressOf(b) });
  await linkUp(a.transport, "b");
});
