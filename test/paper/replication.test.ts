/** Claims of the Raft thesis on replication, commitment, reads and pipelining; the number is the section's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeEntries } from "../../src/raft/index.ts";
import type { Message } from "../../src/raft/index.ts";
import { append, blockOf } from "../datadriven/hand-made.ts";
import { SimulatedGroup, groupOf, votersOf } from "../datadriven/simulated-group.ts";

/** What replica 1 answers, once durable, to a message. */
function answerTo(group: SimulatedGroup, message: Message): Message | undefined {
  // Past the group's checks: what hand-made messages commit lies on no quorum of disks.
  const replica = group.replica(1);
  replica.live.step(message);
  replica.takeReady();
  return replica.persist()?.durableMessages[0];
}

test("3.5: a follower refuses entries that do not follow its log, and takes those that do", () => {
  const group = groupOf(3);
  const refused = answerTo(group, append(2, [2, 1], [blockOf(3, 2)]));
  assert.ok(refused?.kind === "appendResponse" && refused.rejected);
  const taken = answerTo(group, append(2, [0, 0], [blockOf(1, 1, 2), blockOf(3, 2)]));
  assert.ok(taken?.kind === "appendResponse" && !taken.rejected);
  assert.equal(taken.index, 3);
  assert.deepEqual(group.replica(1).terms, [1, 1, 2]);
});

test("3.5: a follower deletes a conflicting entry and all that follow it, and no others", () => {
  const group = groupOf(3);
  answerTo(group, append(2, [0, 0], [blockOf(1, 1, 2), blockOf(3, 2, 3)]));
  answerTo(group, append(3, [0, 0], [blockOf(1, 1, 2), blockOf(3, 2, 1), blockOf(4, 3)]));
  assert.deepEqual(group.replica(1).terms, [1, 1, 2, 3]);
});

test("3.5: an older message of the same leader neither shortens the log nor takes back anything", () => {
  const group = groupOf(3);
  answerTo(group, append(2, [0, 0], [blockOf(1, 2, 5)]));
  const answer = answerTo(group, append(2, [0, 0], [blockOf(1, 2, 2)]));
  assert.ok(answer?.kind === "appendResponse" && !answer.rejected);
  assert.equal(answer.index, 2);
  assert.equal(group.replica(1).live.state.log.lastIndex, 5);
});

test("3.5: an empty message acknowledges the entry it follows, not the unverified tail", () => {
  const group = groupOf(3);
  answerTo(group, append(2, [0, 0], [blockOf(1, 1, 2), blockOf(3, 2, 3)]));
  const answer = answerTo(group, { ...append(3, [2, 1]), commit: 5 });
  assert.ok(answer?.kind === "appendResponse" && !answer.rejected);
  assert.equal(answer.index, 2);
  assert.equal(group.replica(1).live.state.log.committed, 2);
});

test("3.5: a rejection lets the leader skip a whole term a round trip", () => {
  const group = groupOf(3);
  answerTo(group, append(4, [0, 0], [blockOf(1, 1), blockOf(2, 2, 50), blockOf(52, 4, 50)]));
  const answer = answerTo(group, append(5, [200, 3]));
  assert.ok(answer?.kind === "appendResponse" && answer.rejected);
  assert.deepEqual([answer.index, answer.hintIndex, answer.hintTerm], [200, 51, 2]);
});

test("3.5: a leader brings every follower's log to its own", () => {
  const group = groupOf(3);
  group.elect(1);
  group.partition([1], [2, 3]);
  group.replica(1).propose(["lost a", "lost b"]);
  group.work(1);
  group.replica(2).live.campaign(true);
  group.stabilize();
  group.replica(2).propose(["kept"]);
  group.stabilize();
  group.heal();
  for (let round = 0; round < 6; round += 1) {
    group.tick(2);
    group.stabilize();
  }
  for (const replica of group.running) {
    assert.deepEqual(replica.terms, [1, 2, 2]);
    assert.deepEqual(
      replica.applied.map(({ text }) => text),
      ["", "", "kept"],
    );
  }
});

test("3.5: entries keep their bytes all the way", () => {
  const group = groupOf(3);
  group.elect(1);
  group.replica(1).propose(["a", "", "c".repeat(300)]);
  group.stabilize();
  for (const { live } of group.running) {
    const [block] = live.state.log.blocksFrom(2, Number.MAX_SAFE_INTEGER);
    assert.ok(block !== undefined);
    assert.deepEqual(
      decodeEntries(block).map((bytes) => bytes.length),
      [1, 0, 300],
    );
  }
});

test("3.6.2: a leader commits nothing of an older term by counting copies", () => {
  const group = groupOf(3);
  for (const id of [1, 2, 3]) {
    group.replica(id).crash();
    group.replica(id).disk.format({ term: 2, vote: 0, commit: 0, blocks: [blockOf(1, 1, 3)] });
    group.replica(id).start();
  }
  const { live } = group.replica(1);
  live.campaign(true);
  group.work(1);
  live.step({ kind: "voteResponse", from: 2, to: 1, term: 3, granted: true });
  const answer = { kind: "appendResponse", from: 2, to: 1, term: 3, rejected: false } as const;
  live.step({ ...answer, index: 3, hintIndex: 0, hintTerm: 0 });
  group.replica(1).takeReady();
  assert.equal(live.state.log.committed, 0);
});

test("3.6.2: an entry of the leader's own term commits all before it", () => {
  const group = groupOf(3);
  for (const id of [1, 2, 3]) {
    group.replica(id).crash();
    group.replica(id).disk.format({ term: 2, vote: 0, commit: 0, blocks: [blockOf(1, 1, 3)] });
    group.replica(id).start();
  }
  group.elect(1);
  for (const { live } of group.running) assert.equal(live.state.log.committed, 4);
});

for (const count of [1, 2, 3, 4, 5, 6, 7]) {
  test(`3.6.2: of ${count} replicas, ${Math.floor(count / 2) + 1} commit an entry and one fewer does not`, () => {
    const needed = Math.floor(count / 2) + 1;
    const group = groupOf(count);
    group.elect(1);
    group.replica(1).propose(["x"]);
    const before = group.replica(1).live.state.log.committed;
    group.takeReady(1);
    const others = group.running.slice(1, needed).map(({ id }) => id);
    group.take(({ to }) => !others.includes(to));
    const last = others.pop();
    if (last === undefined) {
      assert.equal(group.replica(1).live.state.log.committed, before);
      group.persist(1);
    } else {
      group.persist(1);
      const kept = group.take(({ to }) => to === last);
      group.stabilize([1, ...others]);
      assert.equal(group.replica(1).live.state.log.committed, before);
      for (const message of kept) group.deliver(message);
      group.stabilize([1, last]);
    }
    assert.equal(group.replica(1).live.state.log.committed, before + 1);
  });
}

test("6.4: a read waits for a round of the quorum that began after it arrived", () => {
  const group = groupOf(3);
  group.elect(1);
  const { live } = group.replica(1);
  live.requestRead(1);
  group.stabilize();
  group.replica(1).confirmedReads.length = 0;
  live.requestRead(2);
  live.step({ kind: "heartbeatResponse", from: 2, to: 1, term: 1, readRound: 1 });
  live.step({ kind: "heartbeatResponse", from: 3, to: 1, term: 1, readRound: 1 });
  assert.deepEqual(live.takeReady().confirmedReads, []);
  live.step({ kind: "heartbeatResponse", from: 3, to: 1, term: 1, readRound: 2 });
  assert.deepEqual(live.takeReady().confirmedReads, [{ ticket: 2, index: 1 }]);
});

test("6.4: a new leader's reads wait for an entry of its own term", () => {
  const group = groupOf(3);
  group.elect(1);
  group.replica(1).propose(["x"]);
  group.stabilize();
  group.electForced(2);
  group.partition([1], [2], [3]);
  group.replica(2).live.resign();
  group.replica(2).live.campaign(true);
  group.work(2);
  const { live } = group.replica(2);
  live.step({ kind: "voteResponse", from: 3, to: 2, term: live.term, granted: true });
  assert.ok(live.isLeader);
  live.requestRead(5);
  group.work(2);
  live.step({ kind: "heartbeatResponse", from: 3, to: 2, term: live.term, readRound: 1 });
  const [read] = live.takeReady().confirmedReads;
  assert.equal(read?.index, live.state.log.lastIndex);
  assert.ok((read?.index ?? 0) > live.state.log.committed);
});

test("6.4: many reads share one round", () => {
  const group = groupOf(3);
  group.elect(1);
  for (let ticket = 0; ticket < 100; ticket += 1) group.replica(1).live.requestRead(ticket);
  const ready = group.takeReady(1);
  assert.equal(ready?.messages.length, 2);
  group.stabilize();
  assert.equal(group.replica(1).confirmedReads.length, 100);
});

test("10.2.1: a leader sends on without waiting for answers, as far as its window", () => {
  const group = new SimulatedGroup({
    configuration: votersOf(2),
    options: { inflightMessagesMax: 5, appendBytesMax: 1 },
  });
  group.elect(1);
  const sent = [];
  for (let at = 0; at < 8; at += 1) {
    group.replica(1).propose([`${at}`]);
    sent.push(...(group.takeReady(1)?.messages ?? []));
  }
  assert.deepEqual(
    sent.map((message) => message.kind === "appendRequest" && message.prevIndex),
    [1, 2, 3, 4, 5],
  );
});

test("10.2.1: a leader sends entries to its followers while its own disk is still writing them", () => {
  const group = groupOf(3);
  group.elect(1);
  group.replica(1).propose(["x"]);
  const ready = group.takeReady(1);
  assert.equal(ready?.messages.filter(({ kind }) => kind === "appendRequest").length, 2);
  group.stabilize([2, 3]);
  for (const message of group.take(({ to }) => to === 2 || to === 3)) group.deliver(message);
  group.stabilize([2, 3]);
  for (const message of group.take(({ to }) => to === 1)) group.deliver(message);
  // Two of three disks have it: committed, though the leader's has not; applied only when its own has it too.
  const { log } = group.replica(1).live.state;
  assert.deepEqual([log.committed, log.stable], [2, 1]);
  assert.deepEqual(group.replica(1).live.nextCommitted(1000), []);
  group.persist(1);
  assert.equal(group.replica(1).live.nextCommitted(1000).length, 1);
});
