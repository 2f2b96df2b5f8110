/** Defects that other engines had or have, each shown to be absent at the level of one group's algorithm. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftError } from "../../src/base/index.ts";
import { Raft, majorityOf } from "../../src/raft/index.ts";
import type { LogReader } from "../../src/raft/index.ts";
import { append, blockOf } from "../datadriven/hand-made.ts";
import { checksumOf } from "../datadriven/simulated-disk.ts";
import {
  SimulatedGroup,
  defaultOptions,
  groupOf,
  votersOf,
} from "../datadriven/simulated-group.ts";

test("ex_raft: majority computed as ceil(n/2), so that 1 of 2 and 2 of 4 decided", () => {
  assert.deepEqual([majorityOf(2), majorityOf(4), majorityOf(6)], [2, 3, 4]);
  for (const [count, reached] of [
    [2, [1]],
    [4, [1, 2]],
  ] as const) {
    const group = groupOf(count);
    const others = [...group.replicas.keys()].slice(reached.length);
    group.partition(reached, others);
    group.replica(1).live.campaign(true);
    group.stabilize();
    assert.equal(group.replica(1).live.isLeader, false);
    group.heal();
    group.electForced(1);
    group.partition(reached, others);
    const { log } = group.replica(1).live.state;
    const before = log.committed;
    group.replica(1).propose(["x"]);
    group.stabilize();
    assert.equal(log.committed, before);
  }
});

test("ex_raft: entries of an older term committed by counting", () => {
  const group = groupOf(3);
  const replica = group.replica(1);
  replica.crash();
  replica.disk.format({ term: 1, vote: 0, commit: 0, blocks: [blockOf(1, 1, 2)] });
  replica.start();
  const { live } = replica;
  live.campaign(true);
  group.work(1);
  live.step({ kind: "voteResponse", from: 2, to: 1, term: 2, granted: true });
  const accepted = { kind: "appendResponse", to: 1, term: 2, rejected: false } as const;
  for (const from of [2, 3]) live.step({ ...accepted, from, index: 2, hintIndex: 0, hintTerm: 0 });
  assert.equal(live.state.log.committed, 0);
});

test("ex_raft: reads without a quorum check, answered by a leader that had been replaced", () => {
  const group = groupOf(3);
  group.elect(1);
  group.partition([1], [2, 3]);
  group.electForced(2);
  group.replica(1).live.requestRead(1);
  group.tick(1, 9);
  group.stabilize();
  assert.ok(group.replica(1).live.isLeader);
  assert.deepEqual(group.replica(1).confirmedReads, []);
});

test("toniq raft: index and term swapped in the up-to-date check", () => {
  const group = groupOf(3);
  const replica = group.replica(1);
  replica.crash();
  replica.disk.format({ term: 5, vote: 0, commit: 0, blocks: [blockOf(1, 5, 2)] });
  replica.start();
  const request = { kind: "voteRequest", from: 2, to: 1, force: false } as const;
  replica.live.step({ ...request, term: 6, lastIndex: 9, lastTerm: 4 });
  assert.equal(replica.live.state.vote, 0);
  replica.live.step({ ...request, term: 7, lastIndex: 1, lastTerm: 6 });
  assert.equal(replica.live.state.vote, 2);
});

test("toniq raft: stale or duplicate votes counted", () => {
  const group = groupOf(5);
  const { live } = group.replica(1);
  live.campaign(true);
  group.work(1);
  live.campaign(true);
  group.work(1);
  for (const from of [2, 3, 4, 5]) {
    live.step({ kind: "voteResponse", from, to: 1, term: 1, granted: true });
  }
  for (let copy = 0; copy < 5; copy += 1) {
    live.step({ kind: "voteResponse", from: 2, to: 1, term: 2, granted: true });
  }
  assert.equal(live.isLeader, false);
});

test("toniq raft: an empty heartbeat acknowledges the follower's unverified tail", () => {
  const { live } = groupOf(3).replica(1);
  live.step(append(2, [0, 0], [blockOf(1, 2, 5)]));
  live.takeReady();
  live.step({ ...append(3, [0, 0]), commit: 5 });
  const [answer] = live.takeReady().durableMessages;
  assert.ok(answer?.kind === "appendResponse");
  assert.deepEqual([answer.index, answer.rejected, live.state.log.committed], [0, false, 0]);
});

test("toniq raft: a read answered after a single acknowledgement", () => {
  const group = groupOf(5);
  group.elect(1);
  const { live } = group.replica(1);
  live.requestRead(1);
  group.takeReady(1);
  const answer = { kind: "heartbeatResponse", to: 1, term: 1, readRound: 1 } as const;
  for (let copy = 0; copy < 4; copy += 1) live.step({ ...answer, from: 2 });
  assert.deepEqual(live.takeReady().confirmedReads, []);
  live.step({ ...answer, from: 3 });
  assert.equal(live.takeReady().confirmedReads.length, 1);
});

test("zraft_lib: votes requested before term and self-vote are persisted", () => {
  const group = groupOf(3);
  const { live } = group.replica(1);
  live.campaign(true);
  const ready = live.takeReady();
  assert.deepEqual(ready.messages, []);
  assert.deepEqual(ready.ballot, { term: 1, vote: 1 });
  assert.equal(ready.mustPersist, true);
  const requests = ready.durableMessages.filter(({ kind }) => kind === "voteRequest");
  assert.equal(requests.length, 2);
});

test("zraft_lib: own-term guard of reads missing", () => {
  const group = groupOf(3);
  for (const replica of group.running) {
    replica.crash();
    replica.disk.format({ term: 1, vote: 0, commit: 0, blocks: [blockOf(1, 1, 3)] });
    replica.start();
  }
  const { live } = group.replica(1);
  live.campaign(true);
  group.work(1);
  live.step({ kind: "voteResponse", from: 2, to: 1, term: 2, granted: true });
  live.requestRead(1);
  group.work(1);
  live.step({ kind: "heartbeatResponse", from: 2, to: 1, term: 2, readRound: 1 });
  // Entries 1 to 3 may be committed; this leader learns it with its no-op, entry 4, and not before.
  assert.deepEqual(live.takeReady().confirmedReads, [{ ticket: 1, index: 4 }]);
  assert.deepEqual(live.nextCommitted(1000), []);
});

test("ra #340: read index not reset on a new term", () => {
  const group = groupOf(3);
  group.elect(1);
  const { live } = group.replica(1);
  for (let round = 0; round < 5; round += 1) {
    live.requestRead(round);
    group.stabilize();
  }
  live.requestRead(50);
  group.takeReady(1);
  const late = group.take(({ kind }) => kind === "heartbeatRequest");
  live.resign();
  group.electForced(1);
  group.replica(1).confirmedReads.length = 0;
  live.requestRead(51);
  group.takeReady(1);
  group.take(() => true);
  for (const { to } of late) {
    live.step({ kind: "heartbeatResponse", from: to, to: 1, term: 1, readRound: 6 });
  }
  assert.deepEqual(live.takeReady().confirmedReads, []);
  for (const from of [2, 3]) {
    live.step({ kind: "heartbeatResponse", from, to: 1, term: live.term, readRound: 1 });
  }
  assert.deepEqual(live.takeReady().confirmedReads, [{ ticket: 51, index: 2 }]);
});

test("ra #525: a non-voter made leader by a transfer", () => {
  const configuration = { voters: [1, 2], votersOutgoing: [], learners: [3] };
  const group = new SimulatedGroup({ configuration });
  group.elect(1);
  const { live } = group.replica(3);
  assert.equal(live.campaign(true), false);
  group.tick(3, 500);
  assert.deepEqual([live.state.role, live.term, group.work(3)], ["follower", 1, []]);
});

test("RaKvstore: with all followers gone the leader's node loops through elections without end", () => {
  const group = groupOf(3);
  group.elect(1);
  group.replica(2).crash();
  group.replica(3).crash();
  const { live } = group.replica(1);
  let asked = 0;
  let written = 0;
  for (let ticks = 0; ticks < 1000; ticks += 1) {
    group.tick(1);
    for (const ready of group.work(1)) {
      if (ready.messages.some(({ kind }) => kind === "preVoteRequest")) asked += 1;
      if (ready.mustPersist) written += 1;
    }
  }
  assert.equal(live.isLeader, false);
  assert.deepEqual([live.term, written], [1, 0]);
  assert.ok(asked >= 5 && asked <= 1000 / 80 + 4, `${asked} campaigns in 1000 ticks`);
  for (const id of [2, 3]) group.replica(id).start();
  for (let ticks = 0; ticks < 100; ticks += 1) {
    for (const { id } of group.running) group.tick(id);
    group.stabilize();
  }
  assert.ok(group.leader !== undefined, "and a leader is elected once they are back");
});

test("etcd #20418: a retried read keeps its request id, so that a late answer satisfies a newer read", () => {
  const group = groupOf(3);
  group.elect(1);
  const { live } = group.replica(1);
  live.requestRead(1);
  const rounds = [group.takeReady(1)];
  group.tick(1, 2);
  rounds.push(group.takeReady(1));
  live.requestRead(2);
  rounds.push(group.takeReady(1));
  const numbers = rounds.map((ready) => {
    const [message] = ready?.messages ?? [];
    return message?.kind === "heartbeatRequest" ? message.readRound : -1;
  });
  assert.deepEqual(numbers, [1, 2, 3]);
  live.step({ kind: "heartbeatResponse", from: 2, to: 1, term: 1, readRound: 2 });
  assert.deepEqual(live.takeReady().confirmedReads, [{ ticket: 1, index: 1 }]);
  live.step({ kind: "heartbeatResponse", from: 3, to: 1, term: 1, readRound: 1 });
  assert.deepEqual(live.takeReady().confirmedReads, []);
});

/** A leader of [1@1, 2@1] that holds nothing in memory and reads through `reader`. */
function leaderReading(reader: LogReader): Raft {
  const origin = {
    self: 1,
    configuration: votersOf(3),
    hardState: { term: 1, vote: 0, commit: 0 },
    lastIndex: 2,
    terms: [{ first: 1, term: 1 }],
  };
  const random = (lo: number): number => lo;
  const raft = new Raft(origin, defaultOptions, {
    reader,
    checksum: checksumOf,
    random,
    rankOf: (id) => id,
  });
  raft.campaign(true);
  raft.persisted(raft.takeReady().mark);
  raft.step({ kind: "voteResponse", from: 1, to: 1, term: 2, granted: true });
  raft.step({ kind: "voteResponse", from: 2, to: 1, term: 2, granted: true });
  raft.takeReady();
  raft.step({
    kind: "appendResponse",
    from: 3,
    to: 1,
    term: 2,
    index: 2,
    rejected: true,
    hintIndex: 0,
    hintTerm: 0,
  });
  return raft;
}

test("openraft #1795: a leader whose log read fails corrupts a follower's log", () => {
  const faulty: readonly (readonly [LogReader["read"], RegExp])[] = [
    [() => [], /no holes/],
    [() => [blockOf(2, 1)], /no holes/],
    [() => [blockOf(1, 1), blockOf(1, 1)], /no holes/],
    [() => [blockOf(1, 1), blockOf(2, 2)], /entries that it was given/],
    [
      () => {
        throw new RaftError("ERR_STORE_CORRUPT", "checksum differs");
      },
      /checksum differs/,
    ],
  ];
  for (const [read, expected] of faulty) {
    const raft = leaderReading({ read });
    assert.throws(() => raft.takeReady(), expected);
    const sent = raft.state.messages.filter(({ kind, to }) => kind === "appendRequest" && to === 3);
    assert.deepEqual(sent, []);
  }
});

test("WARaft: a stale log view after a skipped append", () => {
  const group = groupOf(3);
  const replica = group.replica(1);
  const { live } = replica;
  const request = append(1, [0, 0], [blockOf(1, 1, 3)]);
  live.step(request);
  replica.takeReady();
  // All of it is known: nothing is appended, and nothing is written or forgotten for it.
  live.step(request);
  const ready = replica.takeReady();
  assert.deepEqual([ready?.blocks, ready?.mustPersist], [[], false]);
  // Part of it is known: the rest is appended behind, and the view goes to its end.
  live.step({ ...append(1, [0, 0], [blockOf(1, 1, 3), blockOf(4, 1, 2)]), commit: 5 });
  replica.takeReady();
  while (replica.persist() !== undefined);
  const { log } = live.state;
  assert.deepEqual([log.lastIndex, log.stable, log.handed, log.committed], [5, 5, 5, 5]);
  replica.apply();
  assert.deepEqual(
    replica.applied.map(({ index }) => index),
    [1, 2, 3, 4, 5],
  );
  live.step(append(1, [5, 1], [blockOf(6, 1)]));
  assert.equal(live.state.log.lastIndex, 6);
});
