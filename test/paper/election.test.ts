/** Claims of the Raft thesis (Ongaro 2014) on elections, one test each; the number is the section's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message, VoteRequest } from "../../src/raft/index.ts";
import { SimulatedGroup, groupOf, votersOf } from "../datadriven/simulated-group.ts";

function voteRequest(given: Partial<VoteRequest>): VoteRequest {
  return {
    kind: "voteRequest",
    from: 2,
    to: 1,
    term: 1,
    lastIndex: 0,
    lastTerm: 0,
    force: false,
    ...given,
  };
}

const heartbeat = {
  kind: "heartbeatRequest",
  to: 1,
  commit: 0,
  commitTerm: 0,
  readRound: 0,
} as const;

function answersOf(group: SimulatedGroup, id: number): readonly Message[] {
  return group.work(id).flatMap((ready) => ready.durableMessages);
}

test("3.4: a replica starts as a follower and stays one while it hears a leader", () => {
  const group = groupOf(3);
  for (const { live } of group.running) assert.equal(live.state.role, "follower");
  group.elect(1);
  for (let round = 0; round < 60; round += 1) {
    for (const { id } of group.running) group.tick(id);
    group.stabilize();
  }
  assert.deepEqual(
    group.running.map(({ live }) => [live.state.role, live.term]),
    [
      ["leader", 1],
      ["follower", 1],
      ["follower", 1],
    ],
  );
});

test("3.4: a follower that hears nobody for its election timeout campaigns", () => {
  const group = groupOf(3);
  group.tick(1, 10);
  assert.equal(group.replica(1).live.state.role, "follower");
  group.tick(1);
  assert.equal(group.replica(1).live.state.role, "preCandidate");
});

test("3.4: the election timeout is drawn anew from a range with every change of role", () => {
  const drawn: (readonly [number, number])[] = [];
  const group = new SimulatedGroup({
    configuration: votersOf(1),
    random: (_, lo, hi) => {
      drawn.push([lo, hi]);
      return lo;
    },
  });
  group.elect(1);
  group.replica(1).live.resign();
  assert.ok(drawn.length >= 4);
  for (const range of drawn) assert.deepEqual(range, [10, 20]);
});

test("3.4: a candidate raises its term, votes for itself and asks every other voter", () => {
  const group = groupOf(3);
  group.replica(1).live.campaign(true);
  const asked = answersOf(group, 1).filter(({ kind }) => kind === "voteRequest");
  const { state } = group.replica(1).live;
  assert.deepEqual([state.role, state.term, state.vote], ["candidate", 1, 1]);
  assert.deepEqual(
    asked.map(({ to, term }) => [to, term]),
    [
      [2, 1],
      [3, 1],
    ],
  );
});

for (const [voters, grants, wins] of [
  [1, 0, true],
  [2, 0, false],
  [2, 1, true],
  [3, 0, false],
  [3, 1, true],
  [4, 1, false],
  [4, 2, true],
  [5, 1, false],
  [5, 2, true],
  [6, 2, false],
  [6, 3, true],
] as const) {
  test(`3.4: a candidate of ${voters} with ${grants} votes of others ${wins ? "wins" : "does not win"}`, () => {
    const group = groupOf(voters);
    const { live } = group.replica(1);
    live.campaign(true);
    group.work(1);
    for (let from = 2; from < 2 + grants; from += 1) {
      live.step({ kind: "voteResponse", from, to: 1, term: 1, granted: true });
    }
    assert.equal(live.isLeader, wins);
  });
}

test("3.4: a voter votes for at most one candidate in a term, first come first served", () => {
  const group = groupOf(3);
  const { live } = group.replica(1);
  live.step(voteRequest({ from: 2 }));
  live.step(voteRequest({ from: 3 }));
  live.step(voteRequest({ from: 2 }));
  const votes = answersOf(group, 1).map((message) => [
    message.to,
    message.kind === "voteResponse" && message.granted,
  ]);
  assert.deepEqual(votes, [
    [2, true],
    [3, false],
    [2, true],
  ]);
});

test("3.4: a candidate that hears the leader of its own term follows it", () => {
  const group = groupOf(3);
  const { live } = group.replica(1);
  live.campaign(true);
  group.work(1);
  live.step({ ...heartbeat, from: 2, term: 1 });
  assert.deepEqual([live.state.role, live.leader, live.term], ["follower", 2, 1]);
});

test("3.4: every role falls back to follower on seeing a higher term", () => {
  for (const prepare of ["follower", "preCandidate", "candidate", "leader"] as const) {
    const group = groupOf(prepare === "leader" ? 1 : 3);
    const { live } = group.replica(1);
    if (prepare === "preCandidate") live.campaign();
    if (prepare === "candidate") live.campaign(true);
    if (prepare === "leader") group.elect(1);
    assert.equal(live.state.role, prepare);
    live.step({ kind: "heartbeatResponse", from: 2, to: 1, term: 9, readRound: 0 });
    assert.deepEqual([live.state.role, live.term, live.state.vote], ["follower", 9, 0]);
  }
});

test("3.4: a split vote elects nobody, and the next timeout starts another election", () => {
  const group = groupOf(2);
  group.replica(1).live.campaign(true);
  group.replica(2).live.campaign(true);
  group.stabilize();
  for (const { live } of group.running) assert.equal(live.isLeader, false);
  group.tick(1, 40);
  group.stabilize();
  assert.equal(group.leader?.id, 1);
  assert.equal(group.replica(1).live.term, 2);
});

test("3.4: requests of an older term are refused with the newer one", () => {
  const group = groupOf(3);
  const { live } = group.replica(1);
  live.step({ kind: "heartbeatResponse", from: 2, to: 1, term: 5, readRound: 0 });
  group.work(1);
  live.step({ ...heartbeat, from: 3, term: 4 });
  const [answer] = answersOf(group, 1);
  assert.equal(answer?.term, 5);
  assert.equal(live.leader, 0);
});

const logs: readonly (readonly [number, number, boolean])[] = [
  [3, 2, true],
  [4, 2, true],
  [2, 2, false],
  [1, 3, true],
  [9, 1, false],
];
for (const [lastIndex, lastTerm, granted] of logs) {
  test(`3.6.1: a voter whose log ends in (3, 2) ${granted ? "grants" : "refuses"} a log that ends in (${lastIndex}, ${lastTerm})`, () => {
    for (const kind of ["voteRequest", "preVoteRequest"] as const) {
      const group = groupOf(3);
      const replica = group.replica(1);
      group.elect(2);
      // The log 1 2 2: one entry of each election and one proposal.
      group.electForced(3);
      group.replica(3).propose(["x"]);
      group.stabilize();
      assert.deepEqual(replica.terms, [1, 2, 2]);
      group.tick(1, 10);
      const request = { ...voteRequest({ term: 7, lastIndex, lastTerm }), kind };
      replica.live.step(request);
      const [answer] = answersOf(group, 1);
      assert.ok(answer?.kind === "voteResponse" || answer?.kind === "preVoteResponse");
      assert.equal(answer.granted, granted);
    }
  });
}

test("4.2.3: a follower that heard its leader within an election timeout ignores vote requests", () => {
  const group = groupOf(3);
  group.elect(1);
  const { live } = group.replica(2);
  live.step(voteRequest({ from: 3, to: 2, term: 9, lastIndex: 9, lastTerm: 9 }));
  assert.deepEqual([live.term, live.leader], [1, 1]);
  assert.deepEqual(group.work(2), []);

  group.tick(2, 10);
  live.step(voteRequest({ from: 3, to: 2, term: 9, lastIndex: 9, lastTerm: 9 }));
  assert.deepEqual([live.term, live.state.vote], [9, 3]);
});

test("4.2.3: a follower supports the node that it still holds for its leader: it restarted and leads no more", () => {
  for (const kind of ["voteRequest", "preVoteRequest"] as const) {
    const group = groupOf(3);
    group.elect(1);
    const { live } = group.replica(2);
    live.step({ ...voteRequest({ from: 1, to: 2, term: 2, lastIndex: 1, lastTerm: 1 }), kind });
    const [answer] = answersOf(group, 2);
    assert.ok(answer?.kind === "voteResponse" || answer?.kind === "preVoteResponse");
    assert.deepEqual([answer.to, answer.term, answer.granted], [1, 2, true]);
  }
});

test("4.2.3: a leader ignores vote requests too, but for those of a transfer", () => {
  const group = groupOf(3);
  group.elect(1);
  const { live } = group.replica(1);
  live.step(voteRequest({ from: 3, term: 9, lastIndex: 9, lastTerm: 9 }));
  assert.ok(live.isLeader);
  live.step(voteRequest({ from: 3, term: 9, lastIndex: 9, lastTerm: 9, force: true }));
  assert.deepEqual([live.isLeader, live.term, live.state.vote], [false, 9, 3]);
});

test("6.2: a leader that reaches no quorum for an election timeout steps down", () => {
  const group = groupOf(5);
  group.elect(1);
  group.partition([1, 2], [3, 4, 5]);
  for (let round = 0; round < 20; round += 1) {
    group.tick(1);
    group.stabilize();
  }
  assert.equal(group.replica(1).live.isLeader, false);
  assert.equal(group.replica(1).live.term, 1);
});

test("6.2: a leader that reaches a bare quorum stays", () => {
  const group = groupOf(5);
  group.elect(1);
  group.partition([1, 2, 3], [4, 5]);
  for (let round = 0; round < 100; round += 1) {
    group.tick(1);
    group.stabilize();
  }
  assert.equal(group.replica(1).live.isLeader, true);
});

test("9.6: a pre-vote changes neither term nor vote of anybody, durable or not", () => {
  const group = groupOf(3);
  group.replica(1).live.campaign();
  const [ready] = group.work(1);
  assert.equal(ready?.mustPersist, false);
  for (const message of group.take(() => true)) group.deliver(message);
  for (const id of [1, 2, 3]) {
    assert.deepEqual([group.replica(id).live.term, group.replica(id).live.state.vote], [0, 0]);
    for (const { mustPersist } of group.work(id)) assert.equal(mustPersist, false);
  }
});

test("9.6: a partitioned replica does not raise its term, and disturbs nobody when it is back", () => {
  const group = groupOf(3);
  group.elect(1);
  group.partition([1, 2], [3]);
  for (let round = 0; round < 300; round += 1) {
    for (const { id } of group.running) group.tick(id);
    group.stabilize();
  }
  assert.equal(group.replica(3).live.term, 1);
  group.heal();
  for (let round = 0; round < 100; round += 1) {
    for (const { id } of group.running) group.tick(id);
    group.stabilize();
  }
  assert.equal(group.leader?.id, 1);
  for (const { live } of group.running) assert.equal(live.term, 1);
});

test("3.4: survivors campaign in the order of their ranks once their leader's node is suspected", () => {
  const group = groupOf(4);
  group.elect(1);
  group.replica(1).crash();
  for (const id of [2, 3, 4]) group.replica(id).live.suspectLeader(1);
  const roles = (): string[] => [2, 3, 4].map((id) => group.replica(id).live.state.role);
  // Nobody hears the others: each comes to its own turn.
  for (const id of [2, 3, 4]) group.tick(id);
  assert.deepEqual(roles(), ["preCandidate", "follower", "follower"]);
  for (const id of [2, 3, 4]) group.tick(id, 2);
  assert.deepEqual(roles(), ["preCandidate", "preCandidate", "follower"]);
  for (const id of [2, 3, 4]) group.tick(id, 2);
  assert.deepEqual(roles(), ["preCandidate", "preCandidate", "preCandidate"]);
});

test("3.4: two survivors that campaign at the same moment do not split the vote", () => {
  const group = groupOf(3);
  group.elect(1);
  group.replica(1).crash();
  for (const id of [2, 3]) group.replica(id).live.suspectLeader(1);
  for (const id of [2, 3]) group.replica(id).live.campaign();
  group.stabilize();
  assert.deepEqual(
    [2, 3].map((id) => group.replica(id).live.state.role),
    ["leader", "follower"],
  );
  assert.equal(group.replica(2).live.term, 2, "the first election came to a leader");
});

test("3.4: a follower that supports a candidate lets it finish before it campaigns itself", () => {
  const group = groupOf(3);
  group.elect(1);
  const { live } = group.replica(2);
  live.suspectLeader(1);
  live.step({
    ...voteRequest({ from: 3, to: 2, term: 2, lastIndex: 1, lastTerm: 1 }),
    kind: "preVoteRequest",
  });
  group.tick(2, 2);
  assert.equal(live.state.role, "follower");
  group.tick(2);
  assert.equal(live.state.role, "preCandidate", "the candidate is gone");
});

test("3.4: a replica whose state machine is far behind lets the others campaign first, once", () => {
  const group = groupOf(3);
  group.elect(1);
  for (let entry = 0; entry < 20; entry += 1) group.replica(1).propose(["x"]);
  group.stabilize();
  group.tick(1, 2);
  group.stabilize();
  group.replica(2).crash(9);
  group.replica(2).start();
  const { live } = group.replica(2);
  assert.ok(live.state.log.committed > 0);
  assert.equal(live.state.log.applied, 0);
  group.tick(2, 15);
  assert.equal(live.state.role, "follower", "its deadline of 12 ticks is over");
  group.tick(2, 10);
  assert.equal(live.state.role, "preCandidate", "nobody else could be elected");
});
