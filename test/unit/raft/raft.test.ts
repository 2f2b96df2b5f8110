import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftError, limits } from "../../../src/base/index.ts";
import type { AppendRequest, Block, Raft } from "../../../src/raft/index.ts";
import { blockOf } from "../../datadriven/hand-made.ts";
import { SimulatedGroup, groupOf } from "../../datadriven/simulated-group.ts";

const heartbeat = { kind: "heartbeatRequest", from: 2, to: 1, term: 1, readRound: 0 } as const;

function append(from: number, term: number, blocks: readonly Block[]): AppendRequest {
  const [first] = blocks;
  const prevIndex = (first?.first ?? 1) - 1;
  const prevTerm = prevIndex === 0 ? 0 : 1;
  return { kind: "appendRequest", from, to: 1, term, prevIndex, prevTerm, commit: 0, blocks };
}

test("Raft.takeReady() hands over lists that nothing is added to afterwards", () => {
  const { live } = groupOf(3).replica(1);
  live.step({ ...heartbeat, commit: 0, commitTerm: 0 });
  live.takeReady();
  const empty = live.takeReady();
  live.step(append(2, 1, [blockOf(1, 1)]));
  live.step({ ...heartbeat, commit: 0, commitTerm: 0 });
  assert.deepEqual([empty.messages, empty.durableMessages, empty.confirmedReads], [[], [], []]);
  assert.equal(live.takeReady().durableMessages.length, 2);
});

test("Raft.takeReady() keeps acknowledgements back until their entries are handed over", () => {
  const { live } = groupOf(3).replica(1);
  live.step(append(2, 1, [blockOf(1, 1), blockOf(2, 1), blockOf(3, 1)]));
  const none = live.takeReady(undefined, true, 0);
  assert.deepEqual([none.blocks, none.durableMessages], [[], []]);
  assert.deepEqual(none.mark, { lastIndex: 0, lastTerm: 0, term: 1 });
  const part = live.takeReady(undefined, true, 1);
  assert.deepEqual([part.blocks.length, part.durableMessages], [1, []]);
  assert.deepEqual(part.mark, { lastIndex: 1, lastTerm: 1, term: 1 });
  assert.equal(live.hasReady, true);
  // In a term that is not durable yet, heartbeats are answered in time all the same.
  live.step({ ...heartbeat, commit: 0, commitTerm: 0 });
  const heard = live.takeReady(undefined, true, 0).durableMessages;
  assert.deepEqual(
    heard.map(({ kind }) => kind),
    ["heartbeatResponse"],
  );
  const rest = live.takeReady();
  assert.deepEqual([rest.blocks.length, rest.durableMessages.length], [2, 1]);
});

test("Raft.takeReady() names no commit index beyond what is handed over: the disk may hold replaced entries there", () => {
  const { live } = groupOf(3).replica(1);
  live.step(append(2, 1, [blockOf(1, 1), blockOf(2, 1)]));
  live.takeReady();
  live.step({ ...append(3, 2, [blockOf(2, 2), blockOf(3, 2)]), commit: 3 });
  assert.deepEqual(live.takeReady(undefined, true, 0).commit, 1);
  assert.deepEqual(live.takeReady(undefined, true, 1).commit, 2);
  assert.deepEqual(live.takeReady().commit, 3);
});

test("Raft.tick() copies a small block that stays in memory out of the frame that it came in", () => {
  const { live } = groupOf(3).replica(1);
  const frame = new Uint8Array(1_048_576);
  const arrived = (block: Block): Block => {
    frame.set(block.bytes, 100);
    return { ...block, bytes: frame.subarray(100, 100 + block.bytes.length) };
  };
  const blocks = [blockOf(1, 1)];
  live.step(append(2, 1, blocks.map(arrived)));
  const held = (): Block | undefined => live.state.log.blocksFrom(1, 1)[0];
  live.tick();
  assert.equal(held()?.bytes.buffer, frame.buffer, "it may leave soon");
  live.tick();
  assert.equal(held()?.bytes.buffer.byteLength, blocks[0]?.bytes.length);
  assert.deepEqual([...(held()?.bytes ?? [])], [...(blocks[0]?.bytes ?? [])]);
});

test("Raft.takeReady() asks the gate only of peers that entries are due to", () => {
  const group = groupOf(3);
  group.elect(1);
  const replica = group.replica(1);
  const asked: number[] = [];
  const gate = (peer: number): boolean => asked.push(peer) > 0;
  replica.live.takeReady(gate);
  assert.deepEqual(asked, []);
  replica.propose(["x"]);
  replica.live.takeReady(gate);
  assert.deepEqual(asked, [2, 3]);
});

test("Raft.persisted() of a write that later writes have undone and redone says nothing about the redone entry", () => {
  const { live } = groupOf(3).replica(1);
  const marks = [
    append(2, 2, [blockOf(1, 1), blockOf(2, 2)]),
    append(3, 3, [blockOf(2, 3)]),
    append(2, 4, [blockOf(2, 2), blockOf(3, 4)]),
  ].map((message) => {
    live.step(message);
    return live.takeReady().mark;
  });
  const [first, second, third] = marks;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  live.persisted(first);
  assert.equal(live.state.log.stable, 0);
  live.persisted(second);
  assert.equal(live.state.log.stable, 0);
  live.persisted(third);
  assert.equal(live.state.log.stable, 3);
});

test("Raft.step() disables the replica where a leader contradicts a committed entry", () => {
  const { live } = groupOf(3).replica(1);
  live.step({ ...append(2, 1, [blockOf(1, 1, 3)]), commit: 2 });
  assert.throws(
    () => live.step(append(3, 4, [blockOf(2, 3)])),
    (error: unknown) =>
      error instanceof RaftError &&
      error.code === "ERR_GROUP_DISABLED" &&
      error.message.includes("Entry 2 of term 3"),
  );
});

test("Raft.step() disables the replica where its log ends before what it has acknowledged", () => {
  const { live } = groupOf(3).replica(1);
  live.step(append(2, 1, [blockOf(1, 1)]));
  live.step({ ...heartbeat, commit: 1, commitTerm: 1 });
  assert.equal(live.state.log.committed, 1);
  refusesCommit(live, 2, 1, "The log ends at 1");
});

test("Raft.step() disables the replica where it has acknowledged an entry of another term", () => {
  const { live } = groupOf(3).replica(1);
  live.step(append(2, 1, [blockOf(1, 1)]));
  refusesCommit(live, 1, 0, "The log has an entry of term 1 at 1");
  assert.equal(live.state.log.committed, 0);
});

/** Whatever message names the commit index. */
function refusesCommit(live: Raft, commit: number, commitTerm: number, says: string): void {
  const ends = { from: 2, to: 1, term: 1 };
  for (const message of [
    { ...heartbeat, commit, commitTerm },
    { kind: "commitNotice", ...ends, commit, commitTerm } as const,
    { kind: "parkRequest", ...ends, index: commit, indexTerm: commitTerm } as const,
  ]) {
    assert.throws(
      () => live.step(message),
      (error) =>
        error instanceof RaftError &&
        error.code === "ERR_GROUP_DISABLED" &&
        error.message.includes(says),
    );
  }
}

test("Raft.step() disables the replica where two nodes lead one term", () => {
  const { live } = groupOf(3).replica(1);
  live.step(append(2, 1, [blockOf(1, 1)]));
  assert.throws(
    () => live.step(append(3, 1, [blockOf(1, 1)])),
    (error: unknown) => error instanceof RaftError && error.message.includes("both lead term 1"),
  );
});

test("Raft.takeReady() puts no more blocks into a message than a receiver accepts", () => {
  const group = groupOf(2);
  group.elect(1);
  const { live } = group.replica(1);
  for (let at = 0; at < 2.5 * limits.messageBlocksMax; at += 1) group.replica(1).propose(["x"]);
  const counts = live
    .takeReady()
    .messages.map((message) => (message.kind === "appendRequest" ? message.blocks.length : 0));
  assert.deepEqual(counts, [limits.messageBlocksMax, limits.messageBlocksMax, 512]);
});

test("Raft.propose() is refused where this is no leader, and while too much is uncommitted", () => {
  const group = groupOf(3, { uncommittedBytesMax: 100, tailBytesMax: 0 });
  assert.equal(group.replica(1).propose(["x"]), "notLeader");
  group.elect(1);
  group.partition([1], [2], [3]);
  const answers = Array.from({ length: 6 }, () => {
    const answer = group.replica(1).propose(["x".repeat(30)]);
    // The leader's own disk has it, so that it might leave memory; it counts all the same.
    group.work(1);
    return answer;
  });
  assert.deepEqual(answers, [2, 3, 4, 5, "full", "full"]);
});

test("Raft.applied() refuses an index beyond the commit index and one below the last", () => {
  const group = groupOf(1);
  group.elect(1);
  const { live } = group.replica(1);
  assert.throws(() => live.applied(2), /applied <= committed/);
  assert.throws(() => live.applied(0), /applied <= committed/);
});

test("Raft.campaign() returns false on a leader and on a learner", () => {
  const configuration = { voters: [1], votersOutgoing: [], learners: [2] };
  const group = new SimulatedGroup({ configuration });
  group.elect(1);
  assert.equal(group.replica(1).live.campaign(), false);
  assert.equal(group.replica(2).live.campaign(), false);
  assert.equal(group.replica(2).live.campaign(true), false);
});

test("Raft.suspectLeader() speaks of the present leader only", () => {
  const group = groupOf(3);
  group.elect(1);
  const { live } = group.replica(2);
  live.suspectLeader(3);
  assert.equal(live.state.leaderSuspected, false);
  live.suspectLeader(1);
  assert.equal(live.state.leaderSuspected, true);
});

test("Raft starts where its store left it", () => {
  const group = groupOf(1);
  const replica = group.replica(1);
  replica.crash();
  replica.disk.format({ term: 7, vote: 1, commit: 2, blocks: [blockOf(1, 3, 4)] });
  replica.start();
  const { live } = replica;
  assert.deepEqual([live.term, live.state.vote, live.state.log.committed], [7, 1, 2]);
  assert.equal(live.state.log.lastIndex, 4);
  replica.crash();
  replica.disk.format({ term: 2, vote: 1, commit: 0, blocks: [blockOf(1, 3)] });
  assert.throws(() => replica.start(), /later term than the replica's/);
});
