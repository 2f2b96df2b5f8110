/** Why a peer cannot be reached, as the shard above a transport learns it. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import type { PeerRefusal, TcpTransportOptions } from "../../../src/transport/index.ts";
import { RefusalLog } from "../../../src/transport/refusal-log.ts";
import { encodeRefusal } from "../../../src/wire/index.ts";
import { HeldTimers } from "./test-path.ts";
import { addressOf, linkUp, refusedOf, startNode, until } from "./transport-rig.ts";

type Other = Partial<TcpTransportOptions>;

const disagreements: readonly (readonly [string, Other, Other, string, RegExp])[] = [
  ["another cluster", {}, { cluster: "other" }, "peerRefused:clusterMismatch", /cluster other/],
  ["another secret", { secret: "x" }, { secret: "y" }, "proofInvalid", /does not know the secret/],
  ["a secret that we lack", {}, { secret: "y" }, "secretRequired", /asks for a secret/],
  ["no secret", { secret: "x" }, {}, "proofInvalid", /does not know the secret/],
];

for (const [what, ofA, ofB, reason, words] of disagreements) {
  test(`a node with ${what} is unreachable with reason ${reason}, told once in a quiet time`, async (t) => {
    const timers = new HeldTimers([10_000]);
    const a = await startNode(t, "a", { ...ofA, timers });
    const b = await startNode(t, "b", ofB);
    a.transport.setPeers({ b: addressOf(b) });
    assert.equal(a.transport.faultOf("b"), undefined, "nothing is known yet");
    a.transport.link("b", 0);
    await until("it was refused twice", () => (refusedOf(a)[reason] ?? 0) >= 2);
    const fault = a.transport.faultOf("b");
    assert.equal(fault?.reason, reason);
    assert.equal(fault.refused, true);
    assert.ok(fault.text.startsWith(addressOf(b)), fault.text);
    assert.match(fault.text, words);
    assert.deepEqual(
      a.recorder.refusals.map(({ direction, node, count }) => ({ direction, node, count })),
      [{ direction: "outgoing", node: "b", count: 1 }],
    );
    timers.run(10_000);
    const [, again] = a.recorder.refusals;
    assert.ok(again !== undefined && again.count >= 1);
    assert.equal(again.reason, reason);
  });
}

test("whoever is refused here is told of with its address and the name that it claims", async (t) => {
  const a = await startNode(t, "a");
  const other = await startNode(t, "b", { cluster: "other" });
  other.transport.setPeers({ a: addressOf(a) });
  other.transport.link("a", 0);
  await until("it was told", () => a.recorder.refusals.length === 1);
  const [refusal] = a.recorder.refusals;
  assert.equal(refusal?.direction, "incoming");
  assert.equal(refusal.node, "b");
  assert.equal(refusal.reason, "clusterMismatch");
  assert.match(refusal.address, /^127\.0\.0\.1:\d+$/);
});

test("a node that does not listen is unreachable, which is no refusal, until a link is up", async (t) => {
  const a = await startNode(t, "a");
  const b = await startNode(t, "b");
  const { port } = b.transport;
  await b.transport.close();
  a.transport.setPeers({ b: `127.0.0.1:${port}` });
  a.transport.link("b", 0);
  await until("the dial failed", () => a.transport.faultOf("b") !== undefined);
  assert.equal(a.transport.faultOf("b")?.reason, "connectFailed");
  assert.match(a.transport.faultOf("b")?.text ?? "", /ECONNREFUSED/);
  assert.deepEqual(a.recorder.refusals, []);
  await startNode(t, "b", { port });
  await linkUp(a.transport, "b");
  assert.equal(a.transport.faultOf("b"), undefined);
});

test("words of a refusal reach no terminal but as printable ASCII", async (t) => {
  const liar = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(encodeRefusal("proofInvalid", "go\u001b[2Jaway\n")));
  });
  await new Promise<void>((resolve) => liar.listen(0, "127.0.0.1", resolve));
  t.after(() => liar.close());
  const address = liar.address();
  assert.ok(typeof address === "object" && address !== null);
  const a = await startNode(t, "a");
  a.transport.setPeers({ liar: `127.0.0.1:${address.port}` });
  a.transport.link("liar", 0);
  await until("it was refused", () => a.transport.faultOf("liar") !== undefined);
  assert.match(a.transport.faultOf("liar")?.text ?? "", /go\?\[2Jaway\?$/);
  await a.transport.close();
});

test("names that strangers claim make no entries in the log of refusals", () => {
  const timers = new HeldTimers([10_000]);
  const told: PeerRefusal[] = [];
  const log = new RefusalLog(timers, (refusal) => told.push(refusal));
  const incoming = {
    direction: "incoming",
    address: "",
    reason: "proofInvalid",
    message: "",
  } as const;
  for (let at = 0; at < 1_000; at += 1) log.note({ ...incoming, node: `stranger${at}` });
  assert.equal(told.length, 1);
  timers.run(10_000);
  assert.deepEqual(
    told.map(({ node, count }) => [node, count]),
    [
      ["stranger0", 1],
      ["stranger999", 999],
    ],
  );
  timers.run(10_000);
  assert.equal(timers.waiting(10_000), 0, "a quiet reason is forgotten");
  log.note({ ...incoming, node: "late" });
  assert.equal(told.length, 3);
  log.close();
  assert.equal(timers.waiting(10_000), 0);
});
