/** The transitions between roles (thesis figure 3.3). Each resets what must not survive it. */
import { assert, nobody } from "../base/index.ts";
import type { NodeKey, Term } from "../base/index.ts";
import { blockKind, newBlock } from "./block.ts";
import { drawElectionDeadline, newProgress } from "./state.ts";
import type { RaftState } from "./state.ts";

/** A no-op carries no bytes but its one empty entry. */
const noopBytes = new Uint8Array([0x40]);

export function becomeFollower(state: RaftState, term: Term, leader: NodeKey): void {
  assert(term >= state.term, "terms never fall");
  if (term > state.term) {
    state.term = term;
    state.vote = nobody;
  }
  state.role = "follower";
  state.leader = leader;
  resetRole(state);
}

/** A pre-candidate asks before it raises its term: nothing durable changes (thesis §9.6). */
export function becomePreCandidate(state: RaftState): void {
  assert(state.role !== "leader", "a leader does not campaign");
  state.role = "preCandidate";
  state.leader = nobody;
  resetRole(state);
}

export function becomeCandidate(state: RaftState): void {
  assert(state.role !== "leader", "a leader does not campaign");
  state.term += 1;
  state.vote = state.self;
  state.role = "candidate";
  state.leader = nobody;
  resetRole(state);
}

export function becomeLeader(state: RaftState): void {
  assert(state.role === "candidate", "only a candidate becomes leader");
  assert(state.vote === state.self, "a leader voted for itself");
  state.role = "leader";
  state.leader = state.self;
  resetRole(state);
  const { log } = state;
  state.followers = state.peers.map((peer) => newProgress(state, peer, log.lastIndex + 1, 0));
  for (const progress of state.followers) state.progress.set(progress.member, progress);
  // The leader's own match is what its disk holds, not what it has in memory.
  const own = newProgress(state, state.self, log.lastIndex + 1, log.stable);
  own.recentlyActive = true;
  state.progress.set(state.self, own);
  // Entries of older terms are committed only through one of this term (thesis §3.6.2): the no-op
  // brings that about at once.
  state.termStart = log.lastIndex + 1;
  const noop = newBlock({
    first: state.termStart,
    term: state.term,
    kind: blockKind.noop,
    count: 1,
    timeMs: 0,
    checksum: state.environment.checksum(noopBytes),
    bytes: noopBytes,
  });
  log.append(noop);
}

function resetRole(state: RaftState): void {
  state.electionElapsed = 0;
  state.heartbeatElapsed = 0;
  state.idleTicks = 0;
  state.parked = false;
  state.electionDeadline = drawElectionDeadline(state);
  state.leaderSuspected = false;
  state.gaveWay = false;
  state.votes.clear();
  state.progress.clear();
  state.followers = [];
  state.termStart = 0;
  state.successor = nobody;
  // A read index of one term says nothing in another; whoever waits must ask the new leader.
  state.reads = [];
  state.readRound = 0;
  state.readRoundDue = false;
  state.confirmedReads = [];
  state.roleChanged = true;
}
