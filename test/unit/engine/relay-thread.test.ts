import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { Worker } from "node:worker_threads";
import { RelayThread } from "../../../src/engine/relay-thread.ts";
import type { RelayOwner } from "../../../src/engine/relay-thread.ts";
import { startRelay } from "../../../src/engine/worker-pool.ts";
import { encodeFrame } from "../../../src/wire/index.ts";
import { linkUp, optionsOf, startNode, startShard, until } from "../transport/transport-rig.ts";

/** A relay of node "b" in its thread, and the threads that were started for it. */
function relayOf(t: TestContext, port = 0) {
  const { prng: _, timers: __, ...who } = optionsOf("b", { instance: 5, shards: 2 });
  const workers: Worker[] = [];
  const crashes: number[] = [];
  const owner: RelayOwner = {
    start: (task) => {
      const worker = startRelay(task);
      workers.push(worker);
      return worker;
    },
    optionsOf: (bound) => ({ ...who, port: bound }),
    onCrash: (_error, restartInMs) => crashes.push(restartInMs),
  };
  const relay = new RelayThread(port, owner);
  t.after(() => relay.close());
  return { relay, workers, crashes };
}

test("RelayThread comes back after a crash on the same port, and passes on to every shard again", async (t) => {
  const { relay, workers, crashes } = relayOf(t);
  await relay.open();
  const { port } = relay;
  assert.notEqual(port, 0);
  const shards = await Promise.all(
    [0, 1].map((shard) =>
      startShard(t, optionsOf("b", { instance: 5, shards: 2, shard, port, relayed: true })),
    ),
  );
  for (const [shard, { transport }] of shards.entries()) {
    transport.setDirectory([port, port]);
    relay.onUp({ shard, port, takeRelay: (end) => transport.attachRelay(end) });
  }
  const a = await startNode(t, "a");
  a.transport.setPeers({ b: `127.0.0.1:${port}` });
  const groups = [0, 1];
  const links = await Promise.all(groups.map((group) => linkUp(a.transport, "b", group)));
  assert.deepEqual(new Set(links.map(({ shard }) => shard)), new Set([0, 1]));
  await workers[0]?.terminate();
  await until("the links are down", () => links.every(({ up }) => !up));
  await until("they are up again", () => links.every(({ up }) => up));
  assert.deepEqual([relay.port, workers.length, crashes], [port, 2, [100]]);
  for (const link of links) link.send("data", [encodeFrame("again")]);
  await until("both hear", () => shards.every(({ recorder }) => recorder.values.includes("again")));
  await relay.close();
  await until("nothing is left", () => links.every(({ up }) => !up));
  assert.equal(workers.length, 2);
});

test("RelayThread refuses to open at a port that is taken, and leaves no thread behind", async (t) => {
  const taken = await startNode(t, "x");
  const { relay, workers, crashes } = relayOf(t, taken.transport.port);
  await assert.rejects(relay.open(), { code: "ERR_PORT_IN_USE" });
  const [worker] = workers;
  assert.ok(worker !== undefined);
  await until("its thread has ended", () => worker.threadId === -1);
  await relay.close();
  assert.deepEqual(crashes, []);
});
