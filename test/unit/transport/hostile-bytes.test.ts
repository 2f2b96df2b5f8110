/** Whatever a stranger or a broken peer sends ends its own connection, is counted by reason, and touches nobody else. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { Link, TcpTransportOptions, Timers } from "../../../src/transport/index.ts";
import {
  crc32c,
  encodeFrame,
  encodeHello,
  encodeWelcome,
  encodeWelcomeBytes,
  protocolVersion,
} from "../../../src/wire/index.ts";
import {
  RawPeer,
  addressOf,
  dialGreeted,
  frameAround,
  helloOf,
  linkUp,
  refusedOf,
  startNode,
  until,
} from "./transport-rig.ts";
import type { Shard } from "./transport-rig.ts";

/** Node a, and an honest link to it from node b that must not notice anything. */
async function startVictim(
  t: TestContext,
  more: Partial<TcpTransportOptions> = {},
): Promise<{ readonly a: Shard; readonly check: () => Promise<void> }> {
  const a = await startNode(t, "a", more);
  const b = await startNode(t, "b", more);
  b.transport.setPeers({ a: addressOf(a) });
  const link: Link = await linkUp(b.transport, "a");
  const check = async (): Promise<void> => {
    const before = a.recorder.frames.length;
    for (const lane of ["control", "data"] as const) link.send(lane, [encodeFrame(lane)]);
    await until("the honest frames arrive", () => a.recorder.frames.length === before + 2);
    assert.deepEqual(b.recorder.downs, []);
  };
  return { a, check };
}

const nested = new Uint8Array(50).fill(0x81);
const bignum = Uint8Array.of(0xc2, 0x41, 0x01);
const good = encodeFrame([1, 2, 3]);

function header(length: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(length);
  return bytes;
}

const spoiltFrames: Readonly<Record<string, Uint8Array>> = {
  "a length above the limit": header(16_777_217),
  "the longest length there is": header(0xffff_ffff),
  "a length of 0": header(0),
  "a wrong checksum": frameAround(Uint8Array.of(1), 12_345),
  "no CBOR": frameAround(Uint8Array.of(0xff), crc32c(Uint8Array.of(0xff))),
  "deep nesting": frameAround(nested, crc32c(nested)),
  "a bignum": frameAround(bignum, crc32c(bignum)),
  "text of another protocol": Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
};

for (const [what, bytes] of Object.entries(spoiltFrames)) {
  test(`${what} closes only the connection that it came on, before and after the greeting`, async (t) => {
    const { a, check } = await startVictim(t);
    const stranger = await RawPeer.dial(t, a.transport.port);
    stranger.write(bytes);
    await stranger.end();
    assert.deepEqual(refusedOf(a), { greetingInvalid: 1 });

    const greeted = await dialGreeted(t, a.transport.port);
    greeted.write(Buffer.concat([good, bytes, good]));
    await greeted.end();
    assert.deepEqual(refusedOf(a), { greetingInvalid: 1, frameInvalid: 1 });
    assert.deepEqual(a.recorder.values, [[1, 2, 3]], "what follows a fault is not delivered");
    await until("raw is gone", () => a.recorder.gone.length === 1);
    assert.deepEqual(a.recorder.gone, ["raw"]);
    await check();
  });
}

test("a stream that ends inside a frame is counted as truncated", async (t) => {
  const { a, check } = await startVictim(t);
  const raw = await dialGreeted(t, a.transport.port);
  raw.socket.end(good.subarray(0, good.length - 1));
  await raw.end();
  assert.deepEqual(refusedOf(a), { frameTruncated: 1 });
  await check();
});

test("a peer that resets its connection is no fault of anybody", async (t) => {
  const { a, check } = await startVictim(t);
  const raw = await dialGreeted(t, a.transport.port);
  raw.socket.resetAndDestroy();
  await until("raw is gone", () => a.recorder.gone.length === 1);
  assert.deepEqual(refusedOf(a), {});
  await check();
});

const spoiltHellos = {
  clusterMismatch: { cluster: "other" },
  nodeMismatch: { targetNode: "b" },
  shardMismatch: { targetShard: 1 },
  versionUnsupported: { versionMin: 8, versionMax: 9 },
  selfConnection: { node: "a" },
} as const;

for (const [reason, more] of Object.entries(spoiltHellos)) {
  test(`a greeting is refused with ${reason}, in words, and counted`, async (t) => {
    const { a, check } = await startVictim(t);
    const raw = await RawPeer.dial(t, a.transport.port);
    raw.write(encodeHello(helloOf(more)));
    const answer = await raw.answer();
    assert.ok(answer.kind === "refusal");
    assert.equal(answer.reason, reason);
    const { min, max } = protocolVersion;
    const who = `shard 0 of node a of cluster test, protocol ${min} to ${max}`;
    assert.ok(answer.text.includes(who), answer.text);
    await raw.end();
    assert.deepEqual(refusedOf(a), { [reason]: 1 });
    await check();
  });
}

test("a dialler that is refused counts the peer's reason and goes on trying", async (t) => {
  const a = await startNode(t, "a");
  const other = await startNode(t, "b", { cluster: "other" });
  other.transport.setPeers({ a: addressOf(a) });
  other.transport.link("a", 0);
  await until("it was refused twice", () => (refusedOf(a)["clusterMismatch"] ?? 0) >= 2);
  assert.ok((refusedOf(other)["peerRefused:clusterMismatch"] ?? 0) >= 1);
  assert.deepEqual(other.recorder.ups, []);
});

test("a node that is not the one in the address book is refused", async (t) => {
  const a = await startNode(t, "a");
  const b = await startNode(t, "b");
  b.transport.setPeers({ c: addressOf(a) });
  b.transport.link("c", 0);
  await until("it was refused", () => (refusedOf(b)["peerRefused:nodeMismatch"] ?? 0) >= 1);
  assert.equal(b.transport.link("c", 0), undefined);
});

test("frames before the greeting, and a greeting after it, close the connection", async (t) => {
  const { a, check } = await startVictim(t);
  const early = await RawPeer.dial(t, a.transport.port);
  early.write(good);
  await early.end();
  assert.deepEqual(refusedOf(a), { greetingInvalid: 1 });
  const asking = await dialGreeted(t, a.transport.port, { lane: "directory" });
  asking.write(good);
  await asking.end();
  assert.deepEqual(refusedOf(a), { greetingInvalid: 2 });
  assert.deepEqual(a.recorder.values, []);
  await check();
});

test("the same lane greeted again takes the place of the older connection", async (t) => {
  const { a, check } = await startVictim(t);
  const older = await dialGreeted(t, a.transport.port);
  const newer = await dialGreeted(t, a.transport.port);
  await older.end();
  assert.deepEqual(refusedOf(a), { superseded: 1 });
  newer.write(good);
  await until("it is heard", () => a.recorder.values.length === 1);
  assert.deepEqual(a.recorder.gone, [], "its node was never gone");
  await check();
});

test("connections that have not greeted are bounded", async (t) => {
  const { a, check } = await startVictim(t, { ungreetedMax: 3 });
  const waiting = [];
  for (let count = 0; count < 4; count += 1) waiting.push(await RawPeer.dial(t, a.transport.port));
  const [oldest, ...others] = waiting;
  await oldest?.end();
  assert.deepEqual(refusedOf(a), { tooManyUngreeted: 1 });
  assert.ok(others.every((raw) => !raw.closed));
  await check();
  others[0]?.socket.destroy();
  await until("there is room", () => a.transport.stats().connectionsOpen === 4);
  await dialGreeted(t, a.transport.port);
});

test("a connection that does not greet in time is closed", async (t) => {
  const due: { readonly delayMs: number; readonly task: () => void }[] = [];
  const timers: Timers = {
    after(delayMs, task) {
      const entry = { delayMs, task };
      due.push(entry);
      return () => {
        due.splice(due.indexOf(entry), 1);
      };
    },
  };
  const a = await startNode(t, "a", { timers, greetingTimeoutMs: 1_234 });
  const raw = await RawPeer.dial(t, a.transport.port);
  raw.write(encodeHello(helloOf()).subarray(0, 20));
  await until("it was accepted", () => due.length === 1);
  assert.equal(due[0]?.delayMs, 1_234);
  due[0]?.task();
  await raw.end();
  assert.deepEqual(refusedOf(a), { greetingTimeout: 1 });

  await dialGreeted(t, a.transport.port);
  assert.deepEqual(
    due.map(({ delayMs }) => delayMs),
    [500],
    "whoever has greeted has no deadline, but turns",
  );
});

test("an acceptor that talks after its welcome is left", async (t) => {
  const liar = createServer((socket) => {
    socket.on("error", () => {});
    const ports = [portOf()];
    const { max: version } = protocolVersion;
    const welcome = { version, node: "liar", incarnation: 1, instance: 1, shard: 0, ports };
    const nonce = new Uint8Array(32);
    const bytes = encodeWelcomeBytes({ ...welcome, frameBytesMax: 1_000, nonce });
    socket.once("data", () => {
      socket.write(Buffer.concat([encodeWelcome(bytes, new Uint8Array(0)), good]));
    });
  });
  const portOf = (): number => {
    const address = liar.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  };
  await new Promise<void>((resolve) => liar.listen(0, "127.0.0.1", resolve));
  t.after(() => liar.close());
  const a = await startNode(t, "a");
  a.transport.setPeers({ liar: `127.0.0.1:${portOf()}` });
  a.transport.link("liar", 0);
  await until("it was left", () => (refusedOf(a)["unexpectedFrame"] ?? 0) > 0);
  await a.transport.close();
});
