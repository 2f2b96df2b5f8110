import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as flotillaAssert, Prng, shardOfGroup } from "../../../src/base/index.ts";
import { MemoryNetwork, MemoryTransport } from "../../../src/transport/index.ts";
import type { Link, MemoryFrame, MemoryTransportOptions } from "../../../src/transport/index.ts";
import { encodeFrame } from "../../../src/wire/index.ts";
import { Recorder } from "./transport-rig.ts";

/** A network whose tasks wait until `run` takes them, in order or in an order drawn from a seed. */
class Stage {
  /** Frames for which it says true are lost. */
  drops: (frame: MemoryFrame) => boolean = () => false;
  readonly network = new MemoryNetwork((task) => this.tasks.push(task), {
    carry: (_, arrive) => this.tasks.push(arrive),
    arriving: (frame) => (this.drops(frame) ? undefined : frame.frame),
  });
  private readonly tasks: (() => void)[] = [];
  private readonly prng: Prng | undefined;

  constructor(prng?: Prng) {
    this.prng = prng;
  }

  run(): void {
    for (;;) {
      const at = this.prng?.between(0, this.tasks.length) ?? 0;
      const [task] = this.tasks.splice(at, 1);
      if (task === undefined) return;
      task();
    }
  }

  async start(
    node: string,
    more: Partial<MemoryTransportOptions> = {},
  ): Promise<{ readonly transport: MemoryTransport; readonly recorder: Recorder }> {
    const identity = { cluster: "test", node, incarnation: 1, shard: 0, shards: 1, port: 0 };
    const transport = new MemoryTransport(this.network, { ...identity, ...more });
    const recorder = new Recorder();
    await transport.listen(recorder);
    if ((more.shards ?? 1) === 1) transport.setDirectory([transport.port]);
    return { transport, recorder };
  }

  linkUp(transport: MemoryTransport, node: string, group = 0): Link {
    transport.link(node, group);
    this.run();
    const link = transport.link(node, group);
    this.run();
    assert.ok(link?.up === true, `the link to ${node} is up`);
    return link;
  }
}

test("nothing happens within a call, and frames keep their order on a lane under any schedule", async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const stage = new Stage(new Prng(seed));
    const a = await stage.start("a");
    const b = await stage.start("b");
    a.transport.setPeers({ b: `memory:${b.transport.port}` });
    assert.equal(a.transport.link("b", 0), undefined);
    const link = stage.linkUp(a.transport, "b");
    for (let count = 0; count < 30; count += 1) {
      link.send("control", [encodeFrame(["control", count])]);
      link.send("data", [encodeFrame(["data", count])]);
    }
    assert.equal(b.recorder.frames.length, 0, `seed ${seed}`);
    stage.run();
    for (const lane of ["control", "data"]) {
      const values = b.recorder.values.filter((value) => Array.isArray(value) && value[0] === lane);
      const expected = Array.from({ length: 30 }, (_, count) => [lane, count]);
      assert.deepEqual(values, expected, `seed ${seed}`);
    }
    assert.deepEqual(b.recorder.frames[0]?.from, { node: "a", shard: 0, incarnation: 1 });
    assert.equal(link.queuedBytes("data"), 0);
  }
});

test("a cut loses what is in flight, is told to both ends, and heals, under any schedule", async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const stage = new Stage(new Prng(seed));
    const a = await stage.start("a");
    const b = await stage.start("b");
    a.transport.setPeers({ b: `memory:${b.transport.port}` });
    const link = stage.linkUp(a.transport, "b");
    link.send("data", [encodeFrame("lost")]);
    stage.network.cut("b", "a");
    assert.equal(link.up, false);
    assert.equal(link.queuedBytes("data"), 0);
    assert.equal(link.send("data", [encodeFrame("refused")]), false);
    stage.network.heal("a", "b");
    stage.run();
    assert.deepEqual(a.recorder.downs, [link], "told, although it is up again");
    assert.equal(b.recorder.values.length, 0, `seed ${seed}`);
    assert.equal(link.up, true);
    link.send("data", [encodeFrame("kept")]);
    stage.run();
    assert.deepEqual(b.recorder.values, ["kept"]);

    const goneBefore = b.recorder.gone.length;
    stage.network.cut("a", "b");
    stage.run();
    assert.equal(b.recorder.gone.length, goneBefore + 1);
    assert.equal(b.recorder.gone.at(-1), "a");
    assert.equal(a.recorder.downs.length, 2);
  }
});

test("frames are dropped by a predicate, without a word", async () => {
  const stage = new Stage();
  const a = await stage.start("a");
  const b = await stage.start("b");
  a.transport.setPeers({ b: `memory:${b.transport.port}` });
  const link = stage.linkUp(a.transport, "b");
  stage.drops = ({ lane, from, to }) => lane === "data" && from.node + to.node === "ab";
  assert.equal(link.send("data", [encodeFrame("dropped")]), true);
  link.send("control", [encodeFrame("kept")]);
  stage.run();
  assert.deepEqual(b.recorder.values, ["kept"]);
  assert.deepEqual(a.recorder.downs, []);
});

test("the queue is bounded, and its drain is told", async () => {
  const stage = new Stage();
  const a = await stage.start("a", { sendQueueBytesMax: 1_000 });
  const b = await stage.start("b");
  a.transport.setPeers({ b: `memory:${b.transport.port}` });
  const link = stage.linkUp(a.transport, "b");
  const frame = encodeFrame(Buffer.alloc(90));
  while (link.send("data", [frame]));
  assert.ok(link.queuedBytes("data") <= 1_000 && link.queuedBytes("data") > 1_000 - frame.length);
  assert.equal(a.transport.stats().framesDropped, 1);
  stage.run();
  assert.deepEqual(a.recorder.drains, [link]);
  link.send("data", [frame]);
  stage.run();
  assert.equal(a.recorder.drains.length, 1, "a queue that was never half full has no drain");
});

test("shards, their counts and their ports are learnt from shard 0", async () => {
  const stage = new Stage();
  const a = await stage.start("a");
  const shards = await Promise.all(
    [0, 1, 2].map((shard) => stage.start("b", { shard, shards: 3 })),
  );
  const ports = shards.map(({ transport }) => transport.port);
  a.transport.setPeers({ b: `memory:${ports[0]}` });
  a.transport.link("b", 0);
  stage.run();
  assert.equal(a.transport.link("b", 0), undefined, "greetings wait for the directory");
  for (const { transport } of shards) transport.setDirectory(ports);
  stage.run();
  for (let group = 0; group < 9; group += 1) {
    const link = stage.linkUp(a.transport, "b", group);
    assert.equal(link.shard, shardOfGroup(group, 3));
    link.send("data", [encodeFrame(group)]);
  }
  stage.run();
  assert.equal(
    shards.reduce((sum, { recorder }) => sum + recorder.frames.length, 0),
    9,
  );
});

test("a node that closes is gone for its peers, and found again at its new address", async () => {
  const stage = new Stage();
  const a = await stage.start("a");
  const b = await stage.start("b");
  a.transport.setPeers({ b: `memory:${b.transport.port}` });
  b.transport.setPeers({ a: `memory:${a.transport.port}` });
  const link = stage.linkUp(a.transport, "b");
  stage.linkUp(b.transport, "a");
  await b.transport.close();
  await b.transport.close();
  stage.run();
  assert.deepEqual(a.recorder.downs, [link]);
  assert.deepEqual(a.recorder.gone, ["b"]);
  assert.deepEqual(b.recorder.downs, [], "whoever closes is not told of it");

  const again = await stage.start("b");
  a.transport.setPeers({ b: `memory:${again.transport.port}` });
  assert.equal(stage.linkUp(a.transport, "b"), link);
  a.transport.setPeers({});
  assert.equal(link.up, false);
  stage.run();
  assert.equal(a.recorder.downs.length, 2);
});

test("a receiver that refuses a frame loses the link, is counted, and is linked again", async () => {
  const stage = new Stage();
  const a = await stage.start("a");
  const b = await stage.start("b");
  a.transport.setPeers({ b: `memory:${b.transport.port}` });
  const link = stage.linkUp(a.transport, "b");
  b.recorder.inspect = (value) => {
    if (value === "bad") throw new TypeError("not prepared for this");
  };
  const damaged = encodeFrame("good");
  damaged[8] = 0xff;
  link.send("data", [damaged]);
  stage.run();
  link.send("data", [encodeFrame("bad")]);
  stage.run();
  assert.deepEqual(b.transport.stats().connectionsRefused, { frameInvalid: 1, handlerFailed: 1 });
  assert.equal(a.recorder.downs.length, 2);
  assert.equal(link.up, true);
});

test("a failed assertion of the receiver goes on upwards, since it is no matter of the frame", async () => {
  const stage = new Stage();
  const a = await stage.start("a");
  const b = await stage.start("b");
  a.transport.setPeers({ b: `memory:${b.transport.port}` });
  const link = stage.linkUp(a.transport, "b");
  b.recorder.inspect = () => flotillaAssert(false, "the shard is in doubt");
  link.send("data", [encodeFrame(1)]);
  assert.throws(() => stage.run(), { name: "AssertionError", message: "the shard is in doubt" });
  assert.equal(link.up, false);
});

test("a taken port has its error", async () => {
  const stage = new Stage();
  const a = await stage.start("a");
  const identity = { cluster: "test", node: "b", incarnation: 1, shard: 0, shards: 1 };
  const taken = new MemoryTransport(stage.network, { ...identity, port: a.transport.port });
  await assert.rejects(taken.listen(new Recorder()), { code: "ERR_PORT_IN_USE" });
});

test("a link that hangs is up and loses everything, until it is found silent and made anew", async () => {
  const stage = new Stage();
  const a = await stage.start("a");
  const b = await stage.start("b");
  a.transport.setPeers({ b: `memory:${b.transport.port}` });
  const link = stage.linkUp(a.transport, "b");
  stage.network.hang("a", "b");
  link.send("data", [encodeFrame("lost")]);
  stage.run();
  assert.equal(link.up, true);
  assert.deepEqual([...b.recorder.frames, ...a.recorder.downs], []);
  stage.network.endHung("a", "b");
  stage.run();
  assert.deepEqual(a.recorder.downs, [link]);
  assert.equal(link.up, true);
  link.send("data", [encodeFrame("kept")]);
  stage.run();
  assert.deepEqual(b.recorder.values, ["kept"]);
  stage.network.endHung("a", "b");
  stage.run();
  assert.equal(a.recorder.downs.length, 1, "a sound link is left alone");
});
