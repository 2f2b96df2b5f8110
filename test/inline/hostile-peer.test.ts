import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../src/base/index.ts";
import { encodeEntries } from "../../src/raft/index.ts";
import { MessageBatch, encodeCbor, wholeFrame } from "../../src/wire/index.ts";
import type { ShardRequest } from "../../src/wire/index.ts";
import { FakePeer, blockOf, offerPayload } from "./fake-peer.ts";
import type { Call } from "./shard-client.ts";
import { ShardCluster } from "./shard-cluster.ts";

const from = 1;
const to = 2;

async function startVictim(): Promise<{ cluster: ShardCluster; peer: FakePeer }> {
  const cluster = await ShardCluster.start({ nodes: ["a"] });
  return { cluster, peer: await FakePeer.start(cluster, "x", "a") };
}

/** A group of the victim and the fake node, which leads it in term 5. */
async function startLed(): Promise<{ cluster: ShardCluster; peer: FakePeer }> {
  const { cluster, peer } = await startVictim();
  const call = cluster.client("a").control({
    kind: "createGroup",
    group: 1,
    members: ["a", "x"],
    timeoutMs: 1_000,
    campaign: false,
  });
  await cluster.settle([call]);
  assert.ok(call.control !== undefined);
  lead(peer, 5);
  await cluster.run();
  assert.equal((await cluster.status("a", 1)).leader, "x");
  return { cluster, peer };
}

function lead(peer: FakePeer, term: number): void {
  const nothing = { commit: 0, commitTerm: 0, readRound: 0 };
  const message = { kind: "heartbeatRequest", from, to, term, ...nothing } as const;
  peer.sendToGroup("a", 1, message);
}

const request = { kind: "shardRequest", id: 1, group: 1, timeoutMs: 1_000 } as const;

/** A request to create the group with what stands in the place of its members. */
function wrongCreationOf(members: unknown): ShardRequest {
  const directory = 1;
  const cells = Array.isArray(members)
    ? members.map((cell: unknown) => (Array.isArray(cell) ? [...cell, directory] : cell))
    : members;
  return { ...request, op: 3, payload: encodeCbor([0, 0, cells]) };
}

/** A request to create the group with these members and incarnations. */
function creationOf(
  cluster: ShardCluster,
  members: readonly (readonly [string, number])[],
): ShardRequest {
  return { ...request, op: 3, payload: offerPayload(cluster, members) };
}

/** A request to remove the replica that has this incarnation. */
function removalOf(incarnation: number): ShardRequest {
  return { ...request, op: 4, payload: encodeCbor(incarnation) };
}

async function checkAlive(cluster: ShardCluster): Promise<void> {
  await cluster.createGroup("a", 77, ["a"]);
  const call = cluster.client("a").propose(77, "x");
  await cluster.run();
  assert.deepEqual(call.results(), ["1"]);
}

const hostileBodies: Record<string, unknown> = {
  "a request of an unknown operation": [1, 16, 5, 1, 1, 99, 1_000, new Uint8Array(0)],
  "a body that is no array": 5,
  "a message that claims more fields than there are": [1, 5, 900, 1],
  "a creation whose payload is no CBOR": [1, 16, 5, 1, 1, 3, 1_000, new Uint8Array([0xff])],
  "a removal whose payload is no CBOR": [1, 16, 5, 1, 77, 4, 1_000, new Uint8Array([0xff])],
};

for (const [what, body] of Object.entries(hostileBodies)) {
  test(`${what} closes the connection, is counted, and does nothing else`, async () => {
    const { cluster, peer } = await startVictim();
    await checkAlive(cluster);
    const before = (await cluster.stats("a")).transport.connectionsRefused;
    assert.deepEqual(before, {});
    peer.sendBody("a", body);
    await cluster.run();
    const { connectionsRefused } = (await cluster.stats("a")).transport;
    const count = Object.values(connectionsRefused).reduce((sum, reason) => sum + reason, 0);
    assert.equal(count, 1, JSON.stringify(connectionsRefused));
    const call = cluster.client("a").propose(77, "y");
    await cluster.run();
    assert.deepEqual(call.results(), ["2"]);
    await cluster.close();
  });
}

const crowd = Array.from({ length: 65 }, (_, at) => [at === 0 ? "a" : `n${at}`, at + 1]);
const wrongMembers: Record<string, unknown> = {
  "more members than a group may have": crowd,
  "a member twice": [
    ["a", 1],
    ["a", 2],
  ],
  "an incarnation that is no positive integer": [["a", -1]],
  "a broken incarnation": [["a", 1.5]],
  "a node id that is none": [
    ["a", 1],
    ["", 2],
  ],
  "members that do not include this node": [["b", 1]],
  "no list": "members",
};

for (const [what, members] of Object.entries(wrongMembers)) {
  test(`a creation with ${what} is refused and leaves nothing`, async () => {
    const { cluster, peer } = await startVictim();
    peer.send("a", [wrongCreationOf(members)]);
    await cluster.run();
    const answer = peer.shardMessages.at(-1);
    assert.ok(answer?.kind === "shardResponse" && answer.failed);
    assert.equal((await cluster.stats("a")).groups, 0);
    await cluster.crash("a");
    await cluster.restart("a");
    assert.equal((await cluster.stats("a")).groups, 0);
    await cluster.close();
  });
}

test("a replica that is created and removed in one round is not there after a restart", async () => {
  const { cluster, peer } = await startVictim();
  const members = Object.entries({ a: 41, x: 42 });
  peer.send("a", [creationOf(cluster, members), { ...removalOf(41), id: 2 }]);
  await cluster.run();
  assert.equal((await cluster.stats("a")).groups, 0);
  await cluster.crash("a");
  await cluster.restart("a");
  assert.equal((await cluster.stats("a")).groups, 0);
  await cluster.close();
});

test("a replica that is removed and created again in one round is the new one, and stays", async () => {
  const { cluster, peer } = await startVictim();
  peer.send("a", [
    creationOf(cluster, [
      ["a", 41],
      ["x", 42],
    ]),
  ]);
  await cluster.run();
  peer.send("a", [
    { ...removalOf(41), id: 2 },
    { ...creationOf(cluster, [["a", 43]]), id: 3 },
  ]);
  await cluster.run();
  await cluster.crash("a");
  await cluster.restart("a");
  await cluster.awaitLeader(1);
  assert.equal(await cluster.digest("a", 1), "");
  assert.equal((await cluster.status("a", 1)).incarnation, 43);
  await cluster.close();
});

test("a removal under another incarnation takes nothing away", async () => {
  const { cluster, peer } = await startVictim();
  // One that has never voted: any other stays in any case.
  peer.send("a", [
    creationOf(cluster, [
      ["a", 41],
      ["x", 42],
    ]),
    { ...removalOf(5), id: 2 },
  ]);
  await cluster.run();
  assert.equal((await cluster.status("a", 1)).incarnation, 41);
  await cluster.close();
});

test("messages of a node that is no member, or under another incarnation, are dropped and counted", async () => {
  const { cluster, peer } = await startLed();
  peer.incarnation += 1;
  lead(peer, 9);
  await cluster.run();
  assert.equal((await cluster.status("a", 1)).term, 5);
  assert.equal((await cluster.stats("a")).foreignReplica, 1);
  const stranger = await FakePeer.start(cluster, "y", "a");
  lead(stranger, 9);
  await cluster.run();
  assert.equal((await cluster.status("a", 1)).term, 5);
  assert.equal((await cluster.stats("a")).foreignReplica, 2);
  await cluster.close();
});

const wrongAnswers: Record<string, Uint8Array> = {
  "too few results": encodeCbor([new Uint8Array(0)]),
  "too many results": encodeCbor([1, 2, 3].map(() => new Uint8Array(0))),
  "no list": encodeCbor(5),
  "bytes that are no CBOR": new Uint8Array([0xff]),
};

for (const [what, payload] of Object.entries(wrongAnswers)) {
  test(`a forwarded batch answered with ${what} fails once, with an unknown outcome`, async () => {
    const { cluster, peer } = await startLed();
    const call = cluster.client("a").proposeBatch(1, ["x", "y"], { forward: true });
    await cluster.run();
    const { id } = peer.lastRequest;
    const answer = {
      kind: "shardResponse",
      id,
      group: 1,
      failed: false,
      index: 1,
      payload,
    } as const;
    peer.send("a", [answer, answer]);
    await cluster.run();
    assert.equal(call.failure().code, "ERR_FRAME_INVALID");
    assert.equal(call.failure().outcome, "unknown");
    assert.ok(peer.isUp("a"), "the call alone pays for it");
    await cluster.close();
  });
}

test("an error from a peer that is no error is reported as an internal one of unknown outcome", async () => {
  const { cluster, peer } = await startLed();
  const calls: Call[] = [];
  for (const payload of [encodeCbor(7), encodeCbor({ code: "ERR_NEW", outcome: "maybe" })]) {
    const call = cluster.client("a").propose(1, "x", { forward: true });
    await cluster.run();
    const { id } = peer.lastRequest;
    peer.send("a", [{ kind: "shardResponse", id, group: 1, failed: true, index: 0, payload }]);
    calls.push(call);
  }
  await cluster.run();
  for (const call of calls) {
    assert.equal(call.failure().code, "ERR_INTERNAL");
    assert.equal(call.failure().outcome, "unknown");
  }
  await cluster.close();
});

test("an answer from another node than was asked, or for another group, is nobody's", async () => {
  const { cluster, peer } = await startLed();
  const stranger = await FakePeer.start(cluster, "y", "a", { others: [peer] });
  const call = cluster.client("a").propose(1, "x", { forward: true, timeoutMs: 500 });
  await cluster.run();
  const { id } = peer.lastRequest;
  const payload = encodeCbor([new Uint8Array(0)]);
  const answer = { kind: "shardResponse", id, failed: false, index: 1, payload } as const;
  stranger.send("a", [{ ...answer, group: 1 }]);
  peer.send("a", [{ ...answer, group: 2 }]);
  await cluster.run();
  assert.ok(!call.settled);
  await cluster.settle([call]);
  assert.equal(call.failure().code, "ERR_TIMEOUT");
  await cluster.close();
});

test("a creation whose answer is damaged is settled, with the member as failed", async () => {
  const { cluster, peer } = await startVictim();
  peer.joins = false;
  const call = cluster.client("a").control({
    kind: "createGroup",
    group: 1,
    members: ["a", "x"],
    timeoutMs: 1_000,
    campaign: true,
  });
  await cluster.run();
  const { id } = peer.lastRequest;
  const payload = new Uint8Array([0xff]);
  peer.send("a", [{ kind: "shardResponse", id, group: 1, failed: true, index: 0, payload }]);
  await cluster.settle([call]);
  assert.equal(call.failure().code, "ERR_GROUP_CREATE_FAILED");
  assert.deepEqual(call.failure().details.failures, { x: "refused" });
  await cluster.close();
});

test("forwarded bytes that are no entries are refused", async () => {
  const { cluster, peer } = await startVictim();
  await checkAlive(cluster);
  const propose = { ...request, group: 77, op: 1 };
  peer.send("a", [
    { ...propose, id: 1, payload: new Uint8Array([0x41]) },
    { ...propose, id: 2, payload: new Uint8Array(0) },
    { ...propose, id: 3, payload: encodeEntries([new Uint8Array([65])]) },
  ]);
  await cluster.run();
  const answers = peer.shardMessages.filter((message) => message.kind === "shardResponse");
  assert.deepEqual(
    answers.map(({ id, failed }) => [id, failed]),
    [
      [1, true],
      [2, true],
      [3, false],
    ],
  );
  await cluster.close();
});

test("a new leader answers no read before an entry of its own term is committed", async () => {
  const { cluster, peer } = await startLed();
  // x counts this entry as committed when it is acknowledged, and dies before it can say so.
  const append = { kind: "appendRequest", from, to, prevIndex: 0, prevTerm: 0, commit: 0 } as const;
  peer.sendToGroup("a", 1, { ...append, term: 5, blocks: [blockOf(1, 5, "x")] });
  await cluster.run();
  cluster.client("a").control({ kind: "campaign", group: 1, force: true });
  await cluster.run();
  const { term } = await cluster.status("a", 1);
  peer.sendToGroup("a", 1, { kind: "voteResponse", from, to, term, granted: true });
  await cluster.run();
  assert.equal((await cluster.status("a", 1)).role, "leader");
  const read = cluster.client("a").read(1, "");
  await cluster.run();
  const asked = peer.messages.filter((message) => message.kind === "heartbeatRequest").at(-1);
  assert.ok(asked?.kind === "heartbeatRequest" && asked.readRound > 0);
  const { readRound } = asked;
  peer.sendToGroup("a", 1, { kind: "heartbeatResponse", from, to, term, readRound });
  await cluster.run();
  assert.ok(!read.settled, "it is the leader, but does not know what its predecessor committed");
  const accepted = { index: 2, rejected: false, hintIndex: 0, hintTerm: 0 } as const;
  peer.sendToGroup("a", 1, { kind: "appendResponse", from, to, term, ...accepted });
  await cluster.run();
  assert.equal(read.text(), "x");
  await cluster.close();
});

test("a second leader in one term disables the replica, with the reason, for good", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"] });
  const x = await FakePeer.start(cluster, "x", "a");
  const call = cluster.client("a").control({
    kind: "createGroup",
    group: 1,
    members: ["a", "x"],
    timeoutMs: 1_000,
    campaign: false,
  });
  await cluster.settle([call]);
  const campaign = cluster.client("a").control({ kind: "campaign", group: 1, force: true });
  await cluster.run();
  assert.equal(campaign.answer(), true);
  const { term } = await cluster.status("a", 1);
  x.sendToGroup("a", 1, { kind: "voteResponse", from, to, term, granted: true });
  await cluster.run();
  assert.equal((await cluster.status("a", 1)).role, "leader");
  const waiting = cluster.client("a").propose(1, "x");
  const read = cluster.client("a").read(1, "");
  await cluster.run();
  lead(x, term);
  await cluster.run();
  const status = await cluster.status("a", 1);
  assert.equal(status.state, "disabled");
  assert.match(status.reason, /both lead term/);
  assert.equal(waiting.failure().outcome, "unknown");
  assert.equal(read.failure().outcome, "none");
  await cluster.close();
});

test("an entry that contradicts a committed one disables the replica, which then acknowledges nothing", async () => {
  const { cluster, peer } = await startLed();
  const append = { kind: "appendRequest", from, to, prevIndex: 0, prevTerm: 0 } as const;
  peer.sendToGroup("a", 1, { ...append, term: 5, commit: 1, blocks: [blockOf(1, 5, "x")] });
  await cluster.run();
  assert.equal(await cluster.digest("a", 1), "x");
  peer.messages.length = 0;
  peer.sendToGroup("a", 1, { ...append, term: 6, commit: 1, blocks: [blockOf(1, 6, "y")] });
  await cluster.run();
  const { state, reason } = await cluster.status("a", 1);
  assert.equal(state, "disabled");
  assert.match(reason, /contradicts the committed entry of term 5/);
  assert.deepEqual(peer.messages, []);
  await cluster.crash("a");
  await cluster.restart("a");
  assert.equal((await cluster.status("a", 1)).state, "disabled");
  await cluster.close();
});

test("a member that refuses this node is named with its reason in every error that comes of it", async () => {
  const cluster = await ShardCluster.start({ nodes: ["a"] });
  const client = cluster.client("a");
  await FakePeer.start(cluster, "x", "a", { name: "other" });
  const creation = { kind: "createGroup", members: ["a", "x"], timeoutMs: 500 } as const;
  const call = client.control({ ...creation, group: 1, campaign: true });
  await cluster.settle([call]);
  const failure = call.failure();
  assert.equal(failure.code, "ERR_GROUP_CREATE_FAILED");
  assert.match(failure.details.failures?.["x"] ?? "", /clusterMismatch.*cluster other/);
  const told = client.events.filter((event) => event.kind === "peerRefused");
  assert.equal(told.length, 1, "told once");
  assert.equal(told[0]?.refusal.reason, "peerRefused:clusterMismatch");
  await cluster.close();
});

test("a group whose other member refuses this node says so, and no longer once it is linked", async () => {
  const { cluster, peer } = await startLed();
  const client = cluster.client("a");
  await peer.close();
  await cluster.run();
  const stranger = await FakePeer.start(cluster, "x", "a", { name: "other" });
  const forwarded = client.propose(1, "x", { forward: true });
  await cluster.run();
  const refused = forwarded.failure();
  assert.equal(refused.code, "ERR_HANDSHAKE_REFUSED");
  assert.equal(refused.outcome, "none");
  assert.equal(refused.details.reason, "peerRefused:clusterMismatch");
  await cluster.tick(30);
  const late = client.propose(1, "x");
  await cluster.run();
  assert.equal(late.failure().code, "ERR_NOT_LEADER");
  assert.match(late.failure().details.failures?.["x"] ?? "", /clusterMismatch/);
  assert.match(late.failure().message, /no leader is known; not reached: x at .*clusterMismatch/);
  const unreachable = async (): Promise<string | undefined> =>
    (await cluster.status("a", 1)).members.find(({ node }) => node === "x")?.unreachable;
  assert.match((await unreachable()) ?? "", /clusterMismatch/);
  await stranger.close();
  await FakePeer.start(cluster, "x", "a");
  assert.equal(await unreachable(), undefined);
  assert.ok(
    client.events.some((event) => event.kind === "peerConnected" && event.node === "x"),
    "it is told when it is heard",
  );
  await cluster.close();
});

test("names that strangers claim fill no table, and members are numbered whatever their number", async () => {
  const { cluster } = await startLed();
  const { transport } = cluster.at("a");
  for (let at = 0; at <= limits.nodesMax; at += 1) {
    const batch = new MessageBatch();
    batch.addShardMessage({ kind: "groupUnknown", group: 9, incarnation: 1, present: false });
    const stranger = { node: `stranger${at}`, shard: 0, incarnation: 1 };
    assert.equal(transport.take(stranger, wholeFrame(batch.take())), true, stranger.node);
  }
  const call = cluster.client("a").control({
    kind: "createGroup",
    group: 2,
    members: ["a", "y", "z"],
    timeoutMs: 100,
    campaign: false,
  });
  await cluster.settle([call]);
  // Nobody answers; but there are numbers for them.
  assert.equal(call.failure().code, "ERR_GROUP_CREATE_FAILED");
  await cluster.close();
});

test("a creation with more nodes than a shard can know is refused as busy and leaves the shard alive", async () => {
  const { cluster, peer } = await startVictim();
  const namesOf = (first: number): string[] =>
    Array.from({ length: 60 }, (_, at) => `n${first + at}`);
  for (let first = 0; first < limits.nodesMax; first += 60) {
    const others = namesOf(first).map((node, at) => [node, at + 2] as const);
    const creation = creationOf(cluster, [["a", 1], ...others]);
    peer.send("a", [{ ...creation, group: 100 + first }]);
    await cluster.run();
  }
  const answer = peer.shardMessages.filter(({ kind }) => kind === "shardResponse").at(-1);
  assert.ok(answer?.kind === "shardResponse" && answer.failed);
  const call = cluster.client("a").control({
    kind: "createGroup",
    group: 5,
    members: ["a", ...namesOf(5_000)],
    timeoutMs: 100,
    campaign: false,
  });
  await cluster.settle([call]);
  assert.equal(call.failure().code, "ERR_BUSY");
  await cluster.close();
});
