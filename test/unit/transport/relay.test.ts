/** Nodes whose shards share one port: a relay accepts their connections, here in the same thread. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { shardOfGroup } from "../../../src/base/index.ts";
import { Relay } from "../../../src/transport/index.ts";
import type { RelayOrder, TcpTransportOptions } from "../../../src/transport/index.ts";
import type { RelayPort, RelayedBatch } from "../../../src/transport/relay-mail.ts";
import { RelayOutlet, shardBytesMax, windowBytesMax } from "../../../src/transport/relay-outlet.ts";
import { encodeFrame, encodeHello } from "../../../src/wire/index.ts";
import { TestAuthority } from "./test-authority.ts";
import {
  RawPeer,
  bodyOfParts,
  frameInParts,
  helloOf,
  linkUp,
  optionsOf,
  refusedOf,
  startNode,
  startShard,
  until,
} from "./transport-rig.ts";
import type { Shard } from "./transport-rig.ts";

/** What a socket is read with at a time, at most. */
const readBytesMax = 65_536;

interface RelayedNode {
  readonly relay: Relay;
  readonly port: number;
  readonly shards: readonly Shard[];
  /** Gives a shard its end of a port to the relay. */
  attach(shard: number): void;
  /** Bytes that the relay has passed on to a shard. */
  passed(shard: number): number;
}

/** The first group that a shard of a node with two of them holds. */
function groupOn(shard: number): number {
  let group = 0;
  while (shardOfGroup(group, 2) !== shard) group += 1;
  return group;
}

/** Node "b" with two shards and one port. */
async function startRelayed(
  t: TestContext,
  more: Partial<TcpTransportOptions> = {},
): Promise<RelayedNode> {
  const who = { ...optionsOf("b", { instance: 5, ...more }), shards: 2 };
  const soon = (task: () => void): void => void setImmediate(task);
  const relay = new Relay({ ...who, port: 0, soon });
  t.after(() => relay.close());
  const port = await relay.listen();
  const shards = await Promise.all(
    [0, 1].map((shard) => startShard(t, { ...who, shard, port, relayed: true })),
  );
  const passed = [0, 0];
  const attach = (shard: number): void => {
    const { port1, port2 } = new MessageChannel();
    shards[shard]?.transport.attachRelay(port1);
    const post = port2.postMessage.bind(port2);
    Object.assign(port2, {
      postMessage(batch: RelayedBatch, moved: ArrayBuffer[]) {
        for (const event of batch) {
          if (event.kind === "data") passed[shard] = (passed[shard] ?? 0) + event.bytes.length;
        }
        post(batch, moved);
      },
    });
    relay.attach(shard, port2);
  };
  for (const [shard, { transport }] of shards.entries()) {
    transport.setDirectory([port, port]);
    attach(shard);
  }
  return { relay, port, shards, attach, passed: (shard) => passed[shard] ?? 0 };
}

function shardOf({ shards }: RelayedNode, shard: number): Shard {
  const found = shards[shard];
  assert.ok(found !== undefined);
  return found;
}

test("two shards are reached at one port, each with what is for it, in order on each lane", async (t) => {
  const b = await startRelayed(t);
  const a = await startNode(t, "a");
  a.transport.setPeers({ b: `127.0.0.1:${b.port}` });
  for (const shard of [0, 1]) {
    const link = await linkUp(a.transport, "b", groupOn(shard));
    assert.equal(link.shard, shard);
    for (let n = 0; n < 50; n += 1) link.send("data", [encodeFrame([shard, n])]);
    link.send("control", [encodeFrame("hello")]);
    link.send("data", frameInParts);
    const { recorder, transport } = shardOf(b, shard);
    await until("all arrived", () => recorder.frames.length === 52);
    const data = recorder.values.filter((value) => value !== "hello");
    assert.deepEqual(
      data.slice(0, 50),
      Array.from({ length: 50 }, (_, n) => [shard, n]),
    );
    assert.deepEqual(data[50], bodyOfParts);
    assert.equal(transport.stats().connectionsOpen, 2);
  }
  await a.transport.close();
  await until("both heard that a is gone", () =>
    b.shards.every((s) => s.recorder.gone.length === 1),
  );
});

test("frames as long as they may be pass the relay", async (t) => {
  const b = await startRelayed(t);
  const a = await startNode(t, "a");
  a.transport.setPeers({ b: `127.0.0.1:${b.port}` });
  const link = await linkUp(a.transport, "b", groupOn(1));
  const longest = Buffer.alloc(16_777_216 - 5, 7);
  for (let n = 0; n < 3; n += 1) assert.ok(link.send("data", [encodeFrame(longest)]));
  const { recorder } = shardOf(b, 1);
  await until("they arrived", () => recorder.frames.length === 3);
  assert.ok(recorder.values.every((value) => longest.equals(Buffer.from(bytesOf(value)))));
});

function bytesOf(value: unknown): Uint8Array {
  assert.ok(value instanceof Uint8Array);
  return value;
}

test("a shard that reads no data holds up its sender and no other shard, in bounded memory", async (t) => {
  const b = await startRelayed(t);
  const a = await startNode(t, "a");
  a.transport.setPeers({ b: `127.0.0.1:${b.port}` });
  const [held, free] = [shardOf(b, 1), shardOf(b, 0)];
  const link = await linkUp(a.transport, "b", groupOn(1));
  const beside = await linkUp(a.transport, "b", groupOn(0));
  held.transport.pauseData(true);
  const frame = encodeFrame(Buffer.alloc(1_000_000));
  let sent = 0;
  while (link.send("data", [frame])) sent += 1;
  await until("the relay has stopped reading", () => b.passed(1) >= windowBytesMax);
  const queued = link.queuedBytes("data");
  link.send("control", [encodeFrame("urgent")]);
  beside.send("data", [frame]);
  await until("others are heard", () => held.recorder.values[0] === "urgent");
  await until("and the other shard", () => free.recorder.frames.length === 1);
  assert.ok(b.passed(1) <= windowBytesMax + 2 * readBytesMax, `passed on: ${b.passed(1)}`);
  assert.ok(queued > 0, "the rest waits at its sender");
  held.transport.pauseData(false);
  await until("all arrive", () => held.recorder.frames.length === sent + 1);
  assert.equal(link.up, true);
});

test("many connections of a shard together hold no more than its bound", () => {
  const sockets = Array.from({ length: 100 }, () => new PassThrough());
  let posted = 0;
  const tasks: (() => void)[] = [];
  const port: RelayPort<RelayedBatch, RelayOrder> = {
    postMessage(batch) {
      for (const event of batch) posted += event.kind === "data" ? event.bytes.length : 0;
    },
    on: () => {},
    close: () => {},
  };
  const owner = { soon: (task: () => void) => tasks.push(task), onGreeted() {}, onClosed() {} };
  const outlet = new RelayOutlet(port, owner);
  for (const socket of sockets) outlet.add(socket, [], []);
  const chunk = Buffer.alloc(readBytesMax);
  for (let round = 0; round < 20; round += 1) {
    for (const socket of sockets) {
      if (!socket.isPaused()) socket.emit("data", chunk);
    }
  }
  for (const task of tasks) task();
  assert.ok(sockets.every((socket) => socket.isPaused()));
  assert.ok(posted <= shardBytesMax + sockets.length * readBytesMax, `posted: ${posted}`);
});

test("a shard that is down loses its connections alone, and takes new ones when it is back", async (t) => {
  const b = await startRelayed(t);
  const a = await startNode(t, "a");
  a.transport.setPeers({ b: `127.0.0.1:${b.port}` });
  const [first, second] = [
    await linkUp(a.transport, "b", groupOn(0)),
    await linkUp(a.transport, "b", groupOn(1)),
  ];
  await shardOf(b, 0).transport.close();
  await until("its link is down", () => !first.up);
  // Whoever knows the port alone finds the shard beside it.
  const c = await startNode(t, "c");
  c.transport.setPeers({ b: `127.0.0.1:${b.port}` });
  await linkUp(c.transport, "b", groupOn(1));
  assert.equal(second.up, true);
  assert.deepEqual([a.recorder.downs.length, a.recorder.refusals], [1, []], "nobody refused it");
  const options = optionsOf("b", { instance: 5, shards: 2, port: b.port, relayed: true });
  const again = await startShard(t, options);
  again.transport.setDirectory([b.port, b.port]);
  const { port1, port2 } = new MessageChannel();
  again.transport.attachRelay(port1);
  b.relay.attach(0, port2);
  await until("the link is up again", () => first.up);
  first.send("data", [encodeFrame("again")]);
  await until("it arrives", () => again.recorder.values.includes("again"));
  assert.equal(second.up, true);
});

test("certificates are asked for by the relay and judged by the shard", async (t) => {
  const authority = new TestAuthority();
  const b = await startRelayed(t, { tls: authority.issue(["DNS:b"]), secret: "both" });
  const tls = { ...authority.issue(["DNS:a"]), servername: "b" };
  const a = await startNode(t, "a", { tls, secret: "both" });
  a.transport.setPeers({ b: `127.0.0.1:${b.port}` });
  const link = await linkUp(a.transport, "b", groupOn(1));
  link.send("data", [encodeFrame(Buffer.alloc(300_000))]);
  await until("it arrives", () => shardOf(b, 1).recorder.frames.length === 1);
  const c = await startNode(t, "c", { tls, secret: "both" });
  c.transport.setPeers({ b: `127.0.0.1:${b.port}` });
  c.transport.link("b", groupOn(1));
  await until("another node's certificate is refused", () =>
    b.shards.some((shard) => refusedOf(shard)["certificateMismatch"] !== undefined),
  );
  const plain = await RawPeer.dial(t, b.port);
  plain.write(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  await plain.end();
  await until("no TLS is told", () =>
    b.shards.some((shard) => refusedOf(shard)["tlsFailed"] !== undefined),
  );
});

test("strangers at the relay are bounded, and what they say is judged and counted by some shard", async (t) => {
  const b = await startRelayed(t, { ungreetedMax: 2, greetingTimeoutMs: 1_500 });
  b.relay.expect(0);
  const counted = (reason: string): number =>
    b.shards.reduce((total, shard) => total + (refusedOf(shard)[reason] ?? 0), 0);
  const bad = await RawPeer.dial(t, b.port);
  bad.write(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  await bad.end();
  await until("it is counted", () => counted("greetingInvalid") === 1);
  const lost = await RawPeer.dial(t, b.port);
  lost.write(encodeHello(helloOf({ targetNode: "b", targetShard: 9 })));
  assert.equal((await lost.answer()).kind, "refusal");
  assert.equal(counted("shardMismatch"), 1);
  await lost.end();
  const oldest = await RawPeer.dial(t, b.port);
  await RawPeer.dial(t, b.port);
  const newest = await RawPeer.dial(t, b.port);
  await oldest.end();
  await until("one too many", () => counted("tooManyUngreeted") === 1);
  await newest.end();
  await until("those who say nothing", () => counted("greetingTimeout") === 2);
});
