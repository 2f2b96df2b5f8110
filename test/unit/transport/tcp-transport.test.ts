import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { shardOfGroup } from "../../../src/base/index.ts";
import { TcpTransport } from "../../../src/transport/index.ts";
import { encodeFrame, encodeHello } from "../../../src/wire/index.ts";
import { TestPath } from "./test-path.ts";
import {
  RawPeer,
  Recorder,
  addressOf,
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

test("frames arrive on both lanes, in order on each, with their sender's name", async (t) => {
  const a = await startNode(t, "a", { incarnation: 77 });
  const b = await startNode(t, "b");
  a.transport.setPeers({ a: addressOf(a), b: addressOf(b) });
  assert.equal(a.transport.link("b", 0), undefined, "nothing is known of b yet");
  const link = await linkUp(a.transport, "b");
  assert.deepEqual(a.recorder.ups, [link]);
  for (let count = 0; count < 500; count += 1) {
    assert.equal(link.send("control", [encodeFrame(["control", count])]), true);
    assert.equal(link.send("data", [encodeFrame(["data", count, Buffer.alloc(1_000)])]), true);
  }
  await until("all frames are there", () => b.recorder.frames.length === 1_000);
  for (const lane of ["control", "data"]) {
    const numbers = b.recorder.values
      .filter((value): value is [string, number] => Array.isArray(value) && value[0] === lane)
      .map((value) => value[1]);
    assert.deepEqual(
      numbers,
      Array.from({ length: 500 }, (_, count) => count),
    );
  }
  const senders = b.recorder.frames.map((frame) => frame.from);
  assert.ok(senders.every((from) => from.node === "a" && from.shard === 0));
  assert.ok(senders.every((from) => from.incarnation === 77));
  assert.equal(a.transport.stats().framesSent, 1_000);
  assert.equal(b.transport.stats().framesReceived, 1_000);
  assert.equal(link.queuedBytes("data"), 0);
});

test("a frame in parts arrives as one, between others", async (t) => {
  const a = await startNode(t, "a");
  const b = await startNode(t, "b");
  a.transport.setPeers({ b: addressOf(b) });
  const link = await linkUp(a.transport, "b");
  const { bytesSent } = a.transport.stats();
  const small = encodeFrame(["data", 1]);
  for (const frame of [[small], frameInParts, [small], frameInParts]) {
    assert.equal(link.send("data", frame), true);
  }
  await until("all are there", () => b.recorder.frames.length === 4);
  assert.deepEqual(b.recorder.values, [["data", 1], bodyOfParts, ["data", 1], bodyOfParts]);
  const bytes = frameInParts.reduce((sum, part) => sum + part.length, small.length);
  assert.equal(a.transport.stats().bytesSent - bytesSent, 2 * bytes);
});

test("three nodes reach each other, each on connections of its own", async (t) => {
  const nodes = await Promise.all(["a", "b", "c"].map((node) => startNode(t, node)));
  const [a, b, c] = nodes;
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const book = { a: addressOf(a), b: addressOf(b), c: addressOf(c) };
  for (const { transport } of nodes) transport.setPeers(book);
  for (const [shard, peers] of [
    [a, ["b", "c"]],
    [b, ["a", "c"]],
    [c, ["a", "b"]],
  ] as const) {
    for (const peer of peers) {
      (await linkUp(shard.transport, peer)).send("control", [encodeFrame(["hi", peer])]);
    }
  }
  await until("each has two", () => nodes.every(({ recorder }) => recorder.frames.length === 2));
  const toA = a.recorder.frames.map((frame) => frame.from.node).sort();
  assert.deepEqual(toA, ["b", "c"]);
});

test("a group's link leads to the shard that the other node's own count says", async (t) => {
  const a = await startNode(t, "a");
  const options = [0, 1, 2].map((shard) => optionsOf("b", { shard, shards: 3 }));
  const shards = await Promise.all(options.map((option) => startShard(t, option)));
  const ports = shards.map(({ transport }) => transport.port);
  for (const { transport } of shards) transport.setDirectory(ports);
  a.transport.setPeers({ b: `127.0.0.1:${ports[0]}` });
  for (let group = 0; group < 20; group += 1) {
    const link = await linkUp(a.transport, "b", group);
    assert.equal(link.shard, shardOfGroup(group, 3));
    link.send("data", [encodeFrame(group)]);
  }
  const received = (): number =>
    shards.reduce((sum, { recorder }) => sum + recorder.values.length, 0);
  await until("all are there", () => received() === 20);
  for (const [shard, { recorder }] of shards.entries()) {
    assert.ok(recorder.values.length > 0);
    assert.ok(recorder.values.every((group) => shardOfGroup(Number(group), 3) === shard));
  }
});

test("a link comes up again when its node comes back on another port of the address book", async (t) => {
  const a = await startNode(t, "a");
  const b = await startNode(t, "b");
  a.transport.setPeers({ b: addressOf(b) });
  const link = await linkUp(a.transport, "b");
  await b.transport.close();
  await until("the link is down", () => !link.up);
  assert.deepEqual(a.recorder.downs, [link]);
  assert.equal(link.send("data", [encodeFrame(1)]), false);

  const again = await startNode(t, "b", { incarnation: 2 });
  a.transport.setPeers({ b: addressOf(again) });
  assert.equal(await linkUp(a.transport, "b"), link);
  link.send("data", [encodeFrame("after")]);
  await until("it arrives", () => again.recorder.values.length === 1);
  assert.equal(a.recorder.ups.length, 2);
});

test("a node that comes back on its old port is found without anybody's help", async (t) => {
  const a = await startNode(t, "a");
  const b = await startNode(t, "b");
  const { port } = b.transport;
  a.transport.setPeers({ b: addressOf(b) });
  const link = await linkUp(a.transport, "b");
  await b.transport.close();
  await until("the link is down", () => !link.up);
  await startNode(t, "b", { port });
  await until("the link is up", () => link.up);
});

test("a shard that comes back on another port is found through shard 0 of its node", async (t) => {
  const a = await startNode(t, "a");
  const first = await startShard(t, optionsOf("b", { shard: 0, shards: 2 }));
  const second = await startShard(t, optionsOf("b", { shard: 1, shards: 2 }));
  const setDirectory = (...shards: (typeof first)[]): void => {
    const ports = [first.transport.port, shards.at(-1)?.transport.port ?? 0];
    for (const { transport } of [first, ...shards]) transport.setDirectory(ports);
  };
  setDirectory(second);
  a.transport.setPeers({ b: addressOf(first) });
  let group = 0;
  while (shardOfGroup(group, 2) !== 1) group += 1;
  const link = await linkUp(a.transport, "b", group);
  await second.transport.close();
  await until("the link is down", () => !link.up);
  const third = await startShard(t, optionsOf("b", { shard: 1, shards: 2 }));
  assert.notEqual(third.transport.port, second.transport.port);
  setDirectory(third);
  await until("the link is up", () => link.up);
});

test("a shard that is down has no port, and is found when it has one", async (t) => {
  const a = await startShard(t, optionsOf("a"));
  const first = await startShard(t, optionsOf("b", { shards: 2 }));
  first.transport.setDirectory([first.transport.port, 0]);
  a.transport.setPeers({ b: addressOf(first) });
  let group = 0;
  while (shardOfGroup(group, 2) !== 1) group += 1;
  await until("b is known", () => a.transport.link("b", group) !== undefined);
  assert.equal(a.transport.link("b", group)?.up, false);
  const second = await startShard(t, optionsOf("b", { shard: 1, shards: 2 }));
  const ports = [first.transport.port, second.transport.port];
  first.transport.setDirectory(ports);
  second.transport.setDirectory(ports);
  await until("it is up", () => a.transport.link("b", group)?.up === true);
});

test("a node that comes back with another number of shards gets new links", async (t) => {
  const a = await startNode(t, "a");
  const before = await startNode(t, "b");
  const { port } = before.transport;
  a.transport.setPeers({ b: addressOf(before) });
  let group = 0;
  while (shardOfGroup(group, 2) !== 1) group += 1;
  const old = await linkUp(a.transport, "b", group);
  assert.equal(old.shard, 0);
  await before.transport.close();
  const first = await startShard(t, optionsOf("b", { shard: 0, shards: 2, port }));
  const second = await startShard(t, optionsOf("b", { shard: 1, shards: 2 }));
  const ports = [first.transport.port, second.transport.port];
  for (const { transport } of [first, second]) transport.setDirectory(ports);
  await until("a link to shard 1", () => a.transport.link("b", group)?.shard === 1);
  const link = await linkUp(a.transport, "b", group);
  assert.notEqual(link, old);
  assert.equal(old.up, false);
});

test("a node that leaves the address book is left alone", async (t) => {
  const a = await startNode(t, "a");
  const b = await startNode(t, "b");
  a.transport.setPeers({ b: addressOf(b) });
  const link = await linkUp(a.transport, "b");
  a.transport.setPeers({});
  assert.equal(link.up, false);
  assert.deepEqual(a.recorder.downs, [link]);
  assert.equal(a.transport.link("b", 0), undefined);
  await until("b knows", () => b.recorder.gone.length === 1);
  await until("no connection is left", () => a.transport.stats().connectionsOpen === 0);
});

test("a node is gone when the last connection that it dialled has ended, and not before", async (t) => {
  const a = await startShard(t, optionsOf("a", { shard: 0, shards: 2 }));
  const other = await startShard(t, optionsOf("a", { shard: 1, shards: 2 }));
  const b = await startNode(t, "b");
  for (const { transport } of [a, other]) transport.setPeers({ b: addressOf(b) });
  await linkUp(a.transport, "b");
  await linkUp(other.transport, "b");
  assert.deepEqual(b.recorder.gone, [], "asking for the directory leaves no trace");
  await other.transport.close();
  await until("two are left", () => b.transport.stats().connectionsOpen === 2);
  assert.deepEqual(b.recorder.gone, []);
  await a.transport.close();
  await until("a is gone", () => b.recorder.gone.length > 0);
  assert.deepEqual(b.recorder.gone, ["a"]);
});

test("greetings wait until the directory is set", async (t) => {
  const a = await startNode(t, "a");
  const late = await startShard(t, optionsOf("b", { shard: 0, shards: 2 }));
  a.transport.setPeers({ b: addressOf(late) });
  assert.equal(a.transport.link("b", 0), undefined);
  await until("a has dialled", () => late.transport.stats().bytesReceived > 0);
  assert.equal(a.transport.link("b", 0), undefined);
  const second = await startShard(t, optionsOf("b", { shard: 1, shards: 2 }));
  const ports = [late.transport.port, second.transport.port];
  for (const { transport } of [late, second]) transport.setDirectory(ports);
  await linkUp(a.transport, "b");
});

test("send refuses beyond the bound of the queue, and the drain is told once it is empty", async (t) => {
  // Frames of 1 KiB to a peer that does not read them.
  const bound = { sendQueueBytesMax: 40_000, frameBytesMax: 20_000 };
  const a = await startNode(t, "a", bound);
  const b = await startNode(t, "b");
  a.transport.setPeers({ b: addressOf(b) });
  const link = await linkUp(a.transport, "b");
  const frame = encodeFrame(Buffer.alloc(1_000));
  let accepted = 0;
  // Within one turn of the event loop nothing is read, so kernel buffers fill and then the queue.
  while (link.send("data", [frame])) accepted += 1;
  assert.ok(link.queuedBytes("data") <= bound.sendQueueBytesMax);
  assert.ok(link.queuedBytes("data") > bound.sendQueueBytesMax - frame.length);
  assert.equal(a.transport.stats().framesDropped, 1);
  assert.equal(link.send("control", [frame]), true, "the other lane has a queue of its own");
  assert.deepEqual(a.recorder.drains, []);
  await until("the drain is told", () => a.recorder.drains.length > 0);
  assert.deepEqual(a.recorder.drains, [link]);
  assert.equal(link.queuedBytes("data"), 0);
  await until("all accepted arrived", () => b.recorder.frames.length === accepted + 1);
});

test("a frame that the peer would not take is not sent", async (t) => {
  const a = await startNode(t, "a");
  const b = await startNode(t, "b", { frameBytesMax: 1_000 });
  a.transport.setPeers({ b: addressOf(b) });
  const link = await linkUp(a.transport, "b");
  assert.equal(link.send("data", [encodeFrame(Buffer.alloc(997))]), true, "a body of 1,000 bytes");
  assert.equal(link.send("data", [encodeFrame(Buffer.alloc(998))]), false);
  await until("the first arrived", () => b.recorder.frames.length === 1);
  assert.equal(link.up, true);
});

test("a receiver that throws loses that connection and no other", async (t) => {
  const a = await startNode(t, "a");
  const b = await startNode(t, "b");
  const c = await startNode(t, "c");
  for (const { transport } of [a, c]) transport.setPeers({ b: addressOf(b) });
  b.recorder.inspect = (value) => {
    if (value === "bad") throw new TypeError("not prepared for this");
  };
  const fromA = await linkUp(a.transport, "b");
  const fromC = await linkUp(c.transport, "b");
  fromA.send("data", [encodeFrame("bad")]);
  await until("a has lost it", () => a.recorder.downs.length === 1);
  assert.deepEqual(refusedOf(b), { handlerFailed: 1 });
  assert.equal(fromC.up, true);
  await until("a is back", () => fromA.up);
  fromA.send("data", [encodeFrame("good")]);
  await until("it arrives", () => b.recorder.values.includes("good"));
  assert.deepEqual(c.recorder.downs, []);
});

test("a taken port and an address of another machine each have their error", async (t) => {
  const a = await startNode(t, "a");
  const taken = new TcpTransport(optionsOf("b", { port: a.transport.port }));
  await assert.rejects(taken.listen(new Recorder()), { code: "ERR_PORT_IN_USE" });
  await a.transport.close();
  t.after(() => taken.close());
  await taken.listen(new Recorder());
  assert.equal(taken.port, a.transport.port, "it may be called again once the port is free");

  const foreign = new TcpTransport(optionsOf("c", { host: "192.0.2.1" }));
  await assert.rejects(foreign.listen(new Recorder()), { code: "ERR_LISTEN_FAILED" });
  await foreign.close();
});

test("close ends everything, whatever is in flight, and may be called again", async (t) => {
  // Accepts and never says anything.
  const silent = createServer(() => {});
  t.after(() => silent.close());
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const address = silent.address();
  assert.ok(typeof address === "object" && address !== null);
  const a = await startNode(t, "a");
  const b = await startNode(t, "b");
  a.transport.setPeers({
    b: addressOf(b),
    silent: `127.0.0.1:${address.port}`,
    nobody: "127.0.0.1:1",
  });
  b.transport.setPeers({ a: addressOf(a) });
  await linkUp(b.transport, "a");
  const link = await linkUp(a.transport, "b");
  a.transport.link("silent", 0);
  a.transport.link("nobody", 0);
  await Promise.all([a.transport.close(), a.transport.close()]);
  assert.equal(a.transport.stats().connectionsOpen, 0);
  assert.equal(link.up, false);
  assert.equal(link.send("data", [encodeFrame(1)]), false);
  assert.equal(a.transport.link("b", 0), undefined);
  assert.deepEqual(a.recorder.downs, [], "whoever closes is not told of it");
  assert.deepEqual(a.recorder.gone, []);
  await assert.rejects(a.transport.listen(new Recorder()), { code: "ERR_ENGINE_CLOSED" });
});

test("close during listen leaves no port open", async () => {
  const transport = new TcpTransport(optionsOf("a", { host: "localhost" }));
  const listening = transport.listen(new Recorder());
  const closing = transport.close();
  await assert.rejects(listening, { code: "ERR_ENGINE_CLOSED" });
  await closing;
  const again = new TcpTransport(optionsOf("a", { port: transport.port }));
  await again.listen(new Recorder());
  await again.close();
});

test("faults of options are reported together, and of addresses before anything changes", async (t) => {
  const faulty = optionsOf("no such/name", {
    cluster: "",
    shard: 2,
    shards: 2,
    secret: "",
    connectTimeoutMs: 1,
    ungreetedMax: 0,
  });
  assert.throws(() => new TcpTransport(faulty), {
    code: "ERR_OPTION_INVALID",
    message: /cluster.*node.*shard.*secret.*connectTimeoutMs.*ungreetedMax/,
  });
  assert.throws(() => new TcpTransport(optionsOf("a", { sendQueueBytesMax: 2_000 })), {
    message: /sendQueueBytesMax must hold a frame/,
  });
  const reversed = optionsOf("a", { reconnectMinMs: 100, reconnectMaxMs: 10 });
  assert.throws(() => new TcpTransport(reversed), { message: /reconnectMaxMs/ });

  const a = await startNode(t, "a");
  const b = await startNode(t, "b");
  a.transport.setPeers({ b: addressOf(b) });
  for (const bad of ["host", "host:", "host:0", "host:65536", ":1", "a b:1", "::1:80"]) {
    assert.throws(() => a.transport.setPeers({ c: bad }), { code: "ERR_OPTION_INVALID" }, bad);
  }
  await linkUp(a.transport, "b");
});

test("a node behind a port mapping is reached where the address book says, whatever port it has bound", async (t) => {
  const a = await startNode(t, "a");
  const b = await startNode(t, "b", { host: "127.0.0.2" });
  const mapping = await TestPath.open(t, b.transport.port, "127.0.0.2");
  a.transport.setPeers({ b: `127.0.0.1:${mapping.port}` });
  const link = await linkUp(a.transport, "b");
  link.send("data", [encodeFrame("mapped")]);
  await until("it arrives", () => b.recorder.values.length === 1);
});

test("shards behind port mappings are reached at the ports that their node tells", async (t) => {
  const a = await startNode(t, "a");
  const options = [0, 1].map((shard) => optionsOf("b", { shard, shards: 2, host: "127.0.0.2" }));
  const shards = await Promise.all(options.map((option) => startShard(t, option)));
  const open = ({ transport }: { transport: TcpTransport }): Promise<TestPath> =>
    TestPath.open(t, transport.port, "127.0.0.2");
  const mappings = await Promise.all(shards.map(open));
  const told = mappings.map(({ port }) => port);
  for (const { transport } of shards) transport.setDirectory(told);
  a.transport.setPeers({ b: `127.0.0.1:${told[0]}` });
  for (let group = 0; group < 8; group += 1) await linkUp(a.transport, "b", group);
});

test("any shard of a node answers for the directory, at first and when shard 0 is gone", async (t) => {
  const a = await startNode(t, "a");
  const options = [0, 1].map((shard) => optionsOf("b", { shard, shards: 2 }));
  const [first, second] = await Promise.all(options.map((option) => startShard(t, option)));
  assert.ok(first !== undefined && second !== undefined);
  const ports = [first.transport.port, second.transport.port];
  for (const { transport } of [first, second]) transport.setDirectory(ports);
  const groupOn = (shard: number): number => {
    let group = 0;
    while (shardOfGroup(group, 2) !== shard) group += 1;
    return group;
  };
  a.transport.setPeers({ b: addressOf(second) });
  for (const shard of [0, 1]) await linkUp(a.transport, "b", groupOn(shard));

  const fresh = await startNode(t, "c");
  fresh.transport.setPeers({ b: addressOf(first) });
  await linkUp(fresh.transport, "b", groupOn(0));
  await first.transport.close();
  await until("it has lost shard 0", () => fresh.recorder.downs.length === 1);
  await linkUp(fresh.transport, "b", groupOn(1));
  const back = await startShard(t, optionsOf("b", { shard: 0, shards: 2 }));
  assert.notEqual(back.transport.port, first.transport.port);
  const moved = [back.transport.port, second.transport.port];
  for (const { transport } of [back, second]) transport.setDirectory(moved);
  await linkUp(fresh.transport, "b", groupOn(0));
});

test("who stands in for a shard that is down tells where the others are, and takes no lanes", async (t) => {
  const a = await startNode(t, "a");
  const second = await startShard(t, optionsOf("b", { shard: 1, shards: 2 }));
  second.transport.setDirectory([7, second.transport.port]);
  const inPlace = await startShard(t, optionsOf("b", { shards: 2, standsIn: true }));
  a.transport.setPeers({ b: addressOf(inPlace) });
  a.transport.link("b", 0);
  await until("a has asked", () => inPlace.transport.stats().bytesReceived > 0);
  assert.equal(a.transport.link("b", 0), undefined, "it waits until the others are known");
  inPlace.transport.setDirectory([0, second.transport.port]);
  let group = 0;
  while (shardOfGroup(group, 2) !== 1) group += 1;
  await linkUp(a.transport, "b", group);
  const lane = await RawPeer.dial(t, inPlace.transport.port);
  lane.write(encodeHello(helloOf({ targetNode: "b", lane: "control" })));
  await lane.end();
  assert.deepEqual([lane.bodies, inPlace.recorder.refusals], [[], []], "as if nobody was there");
  const stranger = await RawPeer.dial(t, inPlace.transport.port);
  stranger.write(encodeHello(helloOf({ targetNode: "b", cluster: "other" })));
  assert.equal((await stranger.answer()).kind, "refusal");
});
