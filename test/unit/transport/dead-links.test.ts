/** Links that are dead though TCP calls them up, and processes that come in another's place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { Link, TcpTransportOptions } from "../../../src/transport/index.ts";
import { encodeFrame } from "../../../src/wire/index.ts";
import { HeldTimers, TestPath } from "./test-path.ts";
import {
  RawPeer,
  addressOf,
  dialGreeted,
  linkUp,
  optionsOf,
  refusedOf,
  startNode,
  startShard,
  until,
} from "./transport-rig.ts";
import type { Shard } from "./transport-rig.ts";

const silenceMs = 40_000;
const turnMs = silenceMs / 4;
const contestMs = silenceMs / 2;
const patient = { silenceMs, greetingTimeoutMs: silenceMs };

/** Node a with a link to node b, through a path of which a test decides what it lets through. */
async function startFar(
  t: TestContext,
  ofB: Partial<TcpTransportOptions> = {},
): Promise<{ a: Shard; b: Shard; path: TestPath; link: Link; timers: HeldTimers }> {
  const timers = new HeldTimers([turnMs, contestMs]);
  const a = await startNode(t, "a", { timers, ...patient });
  const b = await startShard(t, optionsOf("b", { timers, ...patient, ...ofB }));
  const path = await TestPath.open(t, b.transport.port);
  b.transport.setDirectory([path.port]);
  a.transport.setPeers({ b: `127.0.0.1:${path.port}` });
  return { a, b, path, link: await linkUp(a.transport, "b"), timers };
}

test("a link whose path swallows every byte is given up after silenceMs and is dialled anew", async (t) => {
  const { a, b, path, link, timers } = await startFar(t);
  path.swallow();
  link.send("data", [encodeFrame("lost")]);
  for (let turn = 0; turn < 4; turn += 1) {
    timers.run(turnMs);
    assert.equal(link.up, true, `after ${turn + 1} quarters`);
  }
  timers.run(turnMs);
  assert.deepEqual(a.recorder.downs, [link]);
  assert.ok((refusedOf(a)["silent"] ?? 0) >= 1);
  await until("the link is up", () => link.up);
  link.send("data", [encodeFrame("kept")]);
  await until("it arrives", () => b.recorder.values.length === 1);
  assert.deepEqual(b.recorder.values, ["kept"]);
});

test("an idle link is probed, answers, and stays up", async (t) => {
  const { a, b, timers } = await startFar(t);
  const bytesOf = (): number => a.transport.stats().bytesReceived;
  for (let twoTurns = 0; twoTurns < 5; twoTurns += 1) {
    const before = bytesOf();
    timers.run(turnMs);
    timers.run(turnMs);
    // One answer on each lane, of 10 bytes.
    await until("both lanes have answered", () => bytesOf() >= before + 2 * 10);
  }
  assert.deepEqual(a.recorder.downs, []);
  assert.deepEqual(b.recorder.frames, [], "a probe is no frame of the shard");
  assert.equal(b.transport.stats().framesReceived, 0);
});

test("a slow path that carries a part of a frame in each turn keeps its link", async (t) => {
  const { a, b, path, link, timers } = await startFar(t);
  path.hold();
  const frame = encodeFrame(Buffer.alloc(20_000));
  link.send("data", [frame]);
  await until("the path holds it", () => path.heldBytes >= frame.length);
  for (let turn = 0; turn < 12; turn += 1) {
    const { bytesReceived } = b.transport.stats();
    path.letThrough(1_000);
    await until("a part arrives", () => b.transport.stats().bytesReceived >= bytesReceived + 1_000);
    const heard = a.transport.stats().bytesReceived;
    timers.run(turnMs);
    await until("a is told", () => a.transport.stats().bytesReceived > heard);
  }
  assert.deepEqual(a.recorder.downs, []);
  path.letThrough(path.heldBytes);
  await until("the frame arrives", () => b.recorder.frames.length === 1);
});

/** A node b that is linked to a in both directions, each through a path. */
async function startBoth(
  t: TestContext,
): Promise<Awaited<ReturnType<typeof startFar>> & { back: TestPath; book: { a: string } }> {
  const far = await startFar(t, { instance: 1 });
  const back = await TestPath.open(t, far.a.transport.port);
  far.a.transport.setDirectory([back.port]);
  const book = { a: `127.0.0.1:${back.port}` };
  far.b.transport.setPeers(book);
  await linkUp(far.b.transport, "a");
  return { ...far, back, book };
}

test("a node that comes back while its old connections hang is let in and dialled at once", async (t) => {
  const { a, path, link, timers, back, book } = await startBoth(t);
  path.swallow();
  back.swallow();
  const again = await startShard(t, optionsOf("b", { timers, ...patient, instance: 2 }));
  path.target = again.transport.port;
  again.transport.setDirectory([path.port]);
  again.transport.setPeers(book);
  again.transport.link("a", 0);
  await until("a asks the old process", () => timers.waiting(contestMs) === 1);
  assert.equal(link.up, true, "its silence proves nothing yet");
  timers.run(contestMs);
  await until("it has the directory", () => {
    timers.run(contestMs);
    return again.transport.link("a", 0)?.up === true;
  });
  await until("a has dialled the new process", () => link.up && a.recorder.downs.length === 1);
  link.send("data", [encodeFrame("for the new one")]);
  await until("it arrives", () => again.recorder.values.length === 1);
  assert.deepEqual(a.recorder.gone, [], "one took the place of the other");
  assert.ok((refusedOf(a)["superseded"] ?? 0) >= 2);
});

test("a second process of a node that is connected is refused, and the first one notices nothing", async (t) => {
  const { a, b, book } = await startBoth(t);
  const second = await startNode(t, "b", { instance: 2, incarnation: 7 });
  second.transport.setPeers(book);
  second.transport.link("a", 0);
  await until("it was refused twice", () => (refusedOf(second)["peerRefused:nodeInUse"] ?? 0) >= 2);
  assert.deepEqual([...second.recorder.ups, ...a.recorder.downs, ...b.recorder.downs], []);
  await b.transport.close();
  await linkUp(second.transport, "a");
});

test("a process that was admitted first is not replaced by one that greeted at the same time", async (t) => {
  const a = await startNode(t, "a", { secret: "s" });
  const first = await startNode(t, "b", { secret: "s", instance: 1 });
  const second = await startNode(t, "b", { secret: "s", instance: 2 });
  const both = [first, second];
  for (const { transport } of both) transport.setPeers({ a: addressOf(a) });
  const refusals = (shard: Shard): number => refusedOf(shard)["peerRefused:nodeInUse"] ?? 0;
  await until("one of them is told", () => {
    for (const { transport } of both) transport.link("a", 0);
    return both.some((shard) => refusals(shard) >= 3);
  });
  const [winner] = both.filter((shard) => refusals(shard) === 0);
  assert.ok(winner !== undefined, "the other one was never refused");
  await linkUp(winner.transport, "a");
});

test("silent strangers give way to a peer, however many they are", async (t) => {
  const a = await startNode(t, "a", { ungreetedMax: 3 });
  const strangers: RawPeer[] = [];
  for (let count = 0; count < 5; count += 1) {
    strangers.push(await RawPeer.dial(t, a.transport.port));
  }
  await until("two had to go", () => refusedOf(a)["tooManyUngreeted"] === 2);
  await Promise.all(strangers.slice(0, 2).map((stranger) => stranger.end()));
  // Of those that wait for the greeting's end, the one that has said who it is stays.
  const talking = await dialGreeted(t, a.transport.port, { lane: "directory" });
  for (let count = 0; count < 5; count += 1) await RawPeer.dial(t, a.transport.port);
  await until("the silent ones had to go", () => refusedOf(a)["tooManyUngreeted"] === 8);
  assert.equal(talking.closed, false);
  const b = await startNode(t, "b");
  b.transport.setPeers({ a: addressOf(a) });
  await linkUp(b.transport, "a");
});

test("a data lane that the shard does not read for long keeps its link, and its frames come later", async (t) => {
  const { a, b, link, timers } = await startFar(t);
  b.transport.pauseData(true);
  link.send("data", [encodeFrame("waits")]);
  link.send("control", [encodeFrame("comes")]);
  await until("the control lane is read", () => b.recorder.values.length === 1);
  const bytesOf = (): number => a.transport.stats().bytesReceived;
  for (let turn = 0; turn < 8; turn += 1) {
    const before = bytesOf();
    timers.run(turnMs);
    await until("the data lane says that it is heard", () => bytesOf() >= before + 10);
  }
  assert.deepEqual([a.recorder.downs, b.recorder.values], [[], ["comes"]]);
  b.transport.pauseData(false);
  await until("it is read again", () => b.recorder.values.length === 2);
  assert.deepEqual(b.recorder.values, ["comes", "waits"]);
});
