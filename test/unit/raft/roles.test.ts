import assert from "node:assert/strict";
import { test } from "node:test";
import {
  becomeCandidate,
  becomeFollower,
  becomeLeader,
  becomePreCandidate,
} from "../../../src/raft/roles.ts";
import type { RaftState } from "../../../src/raft/state.ts";
import { SimulatedGroup, votersOf } from "../../datadriven/simulated-group.ts";

function freshState(): RaftState {
  return new SimulatedGroup({ configuration: votersOf(3) }).replica(1).live.state;
}

test("becomeFollower() of a later term forgets the vote, of the same term keeps it", () => {
  const state = freshState();
  state.vote = 2;
  becomeFollower(state, 0, 3);
  assert.deepEqual([state.vote, state.leader], [2, 3]);
  becomeFollower(state, 4, 0);
  assert.deepEqual([state.vote, state.term, state.leader], [0, 4, 0]);
  assert.throws(() => becomeFollower(state, 3, 0), /terms never fall/);
});

test("becomePreCandidate() raises no term and casts no vote", () => {
  const state = freshState();
  becomePreCandidate(state);
  assert.deepEqual([state.role, state.term, state.vote], ["preCandidate", 0, 0]);
});

test("becomeCandidate() raises the term and casts the own vote", () => {
  const state = freshState();
  becomeCandidate(state);
  assert.deepEqual([state.role, state.term, state.vote], ["candidate", 1, 1]);
});

test("becomeLeader() appends a no-op, probes every peer after its log and counts only its own disk", () => {
  const state = freshState();
  becomeCandidate(state);
  becomeLeader(state);
  assert.deepEqual([state.role, state.leader, state.termStart], ["leader", 1, 1]);
  assert.deepEqual([state.log.lastIndex, state.log.lastTerm], [1, 1]);
  assert.deepEqual(
    state.progress.values.map(({ member, match, next }) => [member, match, next]),
    [
      [2, 0, 1],
      [3, 0, 1],
      [1, 0, 1],
    ],
  );
});

test("becomeLeader() is only for a candidate that voted for itself", () => {
  const state = freshState();
  assert.throws(() => becomeLeader(state), /only a candidate becomes leader/);
  becomeCandidate(state);
  state.vote = 2;
  assert.throws(() => becomeLeader(state), /a leader voted for itself/);
});

test("every change of role forgets votes, progress, reads and suspicion", () => {
  const state = freshState();
  becomeCandidate(state);
  state.votes.set(2, true);
  becomeLeader(state);
  assert.equal(state.votes.size, 0);
  state.reads.push({ ticket: 1, index: 1, round: 1 });
  state.confirmedReads.push({ ticket: 2, index: 1 });
  state.readRound = 5;
  state.leaderSuspected = true;
  becomeFollower(state, 1, 0);
  assert.deepEqual([state.reads, state.confirmedReads, state.readRound], [[], [], 0]);
  assert.deepEqual([state.progress.size, state.termStart, state.leaderSuspected], [0, 0, false]);
});
