/**
 * Leader election: thesis §3.4 (election), §3.6.1 (up-to-date check), §9.6 (pre-vote), §4.2.3 and
 * §6.2 (a follower in touch with its leader does not vote, a leader out of touch with its quorum
 * steps down).
 */
import { nobody } from "../base/index.ts";
import type { NodeKey, Term } from "../base/index.ts";
import type { PreVoteRequest, VoteRequest } from "./message.ts";
import { isVoter, jointVote } from "./quorum/joint.ts";
import type { VoteResult } from "./quorum/majority.ts";
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from "./roles.ts";
import { drawElectionDeadline } from "./state.ts";
import type { RaftState } from "./state.ts";

/** Asks whether an election could be won, without touching anybody's term. */
export function preCampaign(state: RaftState): void {
  if (!isVoter(state.configuration, state.self)) return;
  becomePreCandidate(state);
  state.votes.set(state.self, true);
  if (tally(state) === "won") {
    campaign(state, false);
    return;
  }
  const { log } = state;
  for (const to of state.peers) {
    if (!isVoter(state.configuration, to)) continue;
    state.messages.push({
      kind: "preVoteRequest",
      from: state.self,
      to,
      term: state.term + 1,
      lastIndex: log.lastIndex,
      lastTerm: log.lastTerm,
    });
  }
}

/**
 * Raises the term and asks for votes. The requests wait for the disk like everything that follows
 * from a vote: a candidate that asked, crashed and forgot its term could campaign in the same term
 * again with a shorter log, and be elected by the answers to its first campaign. Its own vote goes
 * the same way, as a message to itself.
 */
export function campaign(state: RaftState, force: boolean): void {
  if (!isVoter(state.configuration, state.self)) return;
  becomeCandidate(state);
  const { log, self, term } = state;
  state.durableMessages.push({ kind: "voteResponse", from: self, to: self, term, granted: true });
  for (const to of state.peers) {
    if (!isVoter(state.configuration, to)) continue;
    state.durableMessages.push({
      kind: "voteRequest",
      from: self,
      to,
      term,
      lastIndex: log.lastIndex,
      lastTerm: log.lastTerm,
      force,
    });
  }
}

/**
 * Whether this replica hears its leader: then it neither votes for another nor helps to find one
 * (thesis §4.2.3).
 */
function hearsLeader(state: RaftState): boolean {
  if (state.role === "leader") return true;
  return (
    state.leader !== nobody &&
    !state.leaderSuspected &&
    state.electionElapsed < state.options.electionTicks
  );
}

/**
 * Whether a campaign of `candidate` must wait since this replica hears its leader. Not if the
 * candidate is that leader: it restarted or stepped down, and leads no more.
 */
export function staysWithLeader(state: RaftState, candidate: NodeKey): boolean {
  return state.leader !== candidate && hearsLeader(state);
}

export function handlePreVoteRequest(state: RaftState, request: PreVoteRequest): void {
  if (request.term > state.term && staysWithLeader(state, request.from)) return;
  const granted =
    request.term > state.term && state.log.isUpToDate(request.lastIndex, request.lastTerm);
  if (granted) giveWay(state, request.from);
  state.durableMessages.push({
    kind: "preVoteResponse",
    from: state.self,
    to: request.from,
    term: granted ? request.term : state.term,
    granted,
  });
}

/**
 * Another campaigns with this replica's support. Two that ask at the same time would be granted by
 * each other and then split the votes: the one with the lower rank withdraws. A follower lets the
 * other finish before it campaigns itself.
 */
function giveWay(state: RaftState, candidate: NodeKey): void {
  const { rankOf } = state.environment;
  if (state.role === "preCandidate" && rankOf(candidate) < rankOf(state.self)) {
    becomeFollower(state, state.term, nobody);
  } else if (state.role === "follower") {
    const after = state.electionElapsed + 1 + rankTicks(state);
    state.electionDeadline = Math.max(state.electionDeadline, after);
  }
}

/** The request's term is this replica's own: `step` has seen to that. */
export function handleVoteRequest(state: RaftState, request: VoteRequest): void {
  const free = state.vote === nobody && state.leader === nobody;
  const granted =
    (state.vote === request.from || free) &&
    state.log.isUpToDate(request.lastIndex, request.lastTerm);
  if (granted) {
    state.vote = request.from;
    state.electionElapsed = 0;
  }
  state.durableMessages.push({
    kind: "voteResponse",
    from: state.self,
    to: request.from,
    term: state.term,
    granted,
  });
}

/** Records one voter's answer of the current campaign; the first one counts. */
function recordVote(state: RaftState, from: NodeKey, granted: boolean): VoteResult {
  if (!state.votes.has(from)) state.votes.set(from, granted);
  return tally(state);
}

export function handlePreVoteResponse(
  state: RaftState,
  from: NodeKey,
  term: Term,
  granted: boolean,
): void {
  if (state.role !== "preCandidate") return;
  // A grant names the term it was asked for: one from an earlier, lower campaign must not count in
  // this one.
  if (granted && term !== state.term + 1) return;
  const result = recordVote(state, from, granted);
  if (result === "won") campaign(state, false);
  else if (result === "lost") becomeFollower(state, state.term, nobody);
}

/** The response's term is this replica's own: votes are tallied by (term, voter). */
export function handleVoteResponse(state: RaftState, from: NodeKey, granted: boolean): void {
  if (state.role !== "candidate") return;
  const result = recordVote(state, from, granted);
  if (result === "won") becomeLeader(state);
  else if (result === "lost") becomeFollower(state, state.term, nobody);
}

/** The election timer of followers and candidates. */
export function tickElection(state: RaftState): void {
  const { applied } = state.log;
  state.appliedInTick = applied - state.appliedAtTick;
  state.appliedAtTick = applied;
  state.electionElapsed += 1;
  if (state.electionElapsed < state.electionDeadline) return;
  if (!state.gaveWay && isBehind(state)) {
    // Once, and for so long that every other member's deadline is over: perhaps it has no choice.
    state.gaveWay = true;
    state.electionDeadline += state.options.electionTicks;
    return;
  }
  state.electionElapsed = 0;
  if (state.role !== "follower") state.lonelyCampaigns = Math.min(state.lonelyCampaigns + 1, 3);
  preCampaign(state);
}

/** A peer was heard: campaign at the normal pace again. */
export function resetCampaignBackoff(state: RaftState): void {
  if (state.lonelyCampaigns === 0) return;
  state.lonelyCampaigns = 0;
  state.electionDeadline = drawElectionDeadline(state);
}

/**
 * A leader that has not heard from a quorum for an election timeout cannot know that it still leads
 * (thesis §6.2).
 */
export function checkQuorum(state: RaftState): void {
  const result = jointVote(
    state.configuration,
    (voter) => state.progress.get(voter)?.recentlyActive ?? false,
  );
  for (const progress of state.progress.values) {
    progress.recentlyActive = progress.member === state.self;
  }
  if (result !== "won") becomeFollower(state, state.term, nobody);
}

/**
 * The leader's node is thought to be dead: the survivors campaign in the order of their ranks,
 * which all of them know, so that they do not split the vote. The first does at once, but for
 * `paceTicks`; the random deadline still holds, should those before it be dead, too.
 */
export function suspectLeader(state: RaftState, paceTicks: number): void {
  if (state.role !== "follower" || state.leader === nobody || state.leader === state.self) return;
  state.leaderSuspected = true;
  const { configuration, environment, leader, self } = state;
  const { voters } = configuration;
  let before = 0;
  for (const voter of voters) {
    const outranks = environment.rankOf(voter) < environment.rankOf(self);
    if (voter !== leader && voter !== self && outranks) before += 1;
  }
  // Who would apply for long before it could serve lets the others go first.
  if (isBehind(state)) before = voters.length;
  const soon = state.electionElapsed + 1 + before * rankTicks(state) + paceTicks;
  state.electionDeadline = Math.min(state.electionDeadline, soon);
}

/** What a campaign takes at most when all is well: the next in rank waits for so long. */
function rankTicks({ options }: RaftState): number {
  return Math.ceil(options.electionTicks / 5);
}

/**
 * Whether the state machine is so far behind what is committed that it would not catch up within an
 * election timeout, at the pace of the last tick. As leader the replica would let its callers wait.
 */
function isBehind({ log, options, appliedInTick }: RaftState): boolean {
  return log.committed - log.applied > appliedInTick * options.electionTicks;
}

function tally(state: RaftState): VoteResult {
  return jointVote(state.configuration, (voter) => state.votes.get(voter));
}
