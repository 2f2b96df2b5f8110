/** Answers that nobody takes are bounded in bytes: what makes more of them waits, and none is lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byteShares } from "../../src/shard/index.ts";
import type { StateMachine } from "../../src/shard/index.ts";
import { ShardCluster } from "./shard-cluster.ts";

const resultBytes = 300;
/** In mail, with its length. */
const inMail = resultBytes + 4;
const shardBytesMax = 16_384;
const shares = byteShares(shardBytesMax);

/** Answers with as many bytes as it is told. */
class EchoMachine implements StateMachine {
  applied = 0;
  private readonly onApply: () => void;

  constructor(onApply: () => void = () => {}) {
    this.onApply = onApply;
  }

  apply(): Uint8Array {
    this.applied += 1;
    this.onApply();
    return new Uint8Array(resultBytes).fill(0x78);
  }

  query(): Uint8Array {
    return new Uint8Array(resultBytes).fill(0x79);
  }
}

const write = "x".repeat(resultBytes);
const answer = "y".repeat(resultBytes);

test("while the engine reads nothing a shard applies what it need not answer, and loses no result", async () => {
  const machines = new Map<string, EchoMachine>();
  const cluster = await ShardCluster.start({
    options: { shardBytesMax },
    createStateMachine: ({ node, group }) => {
      const machine = new EchoMachine();
      machines.set(`${node} ${group}`, machine);
      return machine;
    },
  });
  await cluster.createGroup("a", 1);
  await cluster.createGroup("a", 2);
  const { client, shard } = cluster.at("a");
  client.holdUp();
  const calls = Array.from({ length: 20 }, () => client.propose(1, "v"));
  await cluster.run();
  const { unread } = shard.held;
  assert.ok(unread >= shares.unread && unread < shares.unread + inMail, `${unread} bytes`);
  assert.equal(machines.get("a 1")?.applied, Math.ceil(shares.unread / inMail));
  const reads = [client.readLocal(1, "q"), client.read(1, "q"), client.readLocal(2, "q")];
  await cluster.tick();
  assert.equal(shard.held.unread, unread, "reads wait, too");
  // A follower has nobody to answer, nor has who leads for the caller of another node.
  assert.equal(machines.get("b 1")?.applied, calls.length);
  const forwarded = cluster.client("b", 2).propose(2, "v", { forward: true });
  await cluster.settle([forwarded]);
  assert.deepEqual(forwarded.results(), [write]);
  client.goOn();
  await cluster.settle([...calls, ...reads]);
  for (const call of calls) assert.deepEqual(call.results(), [write]);
  for (const read of reads) assert.equal(read.text(), answer);
  await cluster.close();
});

test("answers of other nodes stay with them while the engine reads nothing", async () => {
  const cluster = await ShardCluster.start({
    options: { shardBytesMax },
    createStateMachine: () => new EchoMachine(),
  });
  await cluster.createGroup("a", 1);
  const { client, shard } = cluster.at("b");
  client.holdUp();
  const calls = [];
  // What a holds for b is bounded, too: its lane, and answers that wait for it.
  for (let call = 0; call < 6; call += 1) {
    calls.push(client.propose(1, "v", { forward: true }), client.read(1, "q", { forward: true }));
    await cluster.run();
  }
  const { unread } = shard.held;
  assert.ok(unread >= shares.unread && unread < shares.unread + 2 * inMail, `${unread} bytes`);
  client.goOn();
  await cluster.settle(calls);
  for (const [at, call] of calls.entries()) {
    if (at % 2 === 0) assert.deepEqual(call.results(), [write]);
    else assert.equal(call.text(), answer);
  }
  // Its data lanes are read again.
  const last = cluster.client("a").propose(1, "v");
  await cluster.settle([last]);
  await cluster.tick(2);
  assert.equal((await cluster.status("b", 1)).appliedIndex, last.applied[0]?.index);
  await cluster.close();
});

test("of batches of other nodes whose results are gathered the oldest one goes on", async () => {
  // Room enough on connections for what is complete.
  const options = { shardBytesMax: 4 * shardBytesMax };
  const { forwarded: share } = byteShares(options.shardBytesMax);
  let most = 0;
  const count = 30;
  const cluster = await ShardCluster.start({
    options,
    createStateMachine: ({ node }) => {
      return new EchoMachine(() => {
        if (node !== "a") return;
        most = Math.max(most, cluster.at("a").shard.held.forwarded);
        // A turn ends with each entry, and the groups come forward side by side.
        cluster.nowMs += 20;
      });
    },
  });
  const groups = [1, 2, 3, 4, 5];
  for (const group of groups) await cluster.createGroup("a", group);
  const client = cluster.client("b");
  const commands = Array.from({ length: count }, () => "v");
  const calls = groups.map((group) => client.proposeBatch(group, commands, { forward: true }));
  await cluster.settle(calls);
  for (const call of calls) assert.deepEqual(call.results(), Array(count).fill(write));
  assert.ok(most > share, `${most} bytes: the share is used up`);
  const oldest = count * (resultBytes + 5);
  assert.ok(most < share + oldest + 2 * resultBytes, `${most} bytes`);
  assert.equal(cluster.at("a").shard.held.forwarded, 0);
  await cluster.close();
});
