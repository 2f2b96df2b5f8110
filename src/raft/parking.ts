/**
 * Parking: an idle group costs nothing. Once every follower that is present is known to hold the
 * leader's whole log and to know that all of it is committed, a heartbeat would tell nothing new;
 * the leader asks each of them to park, and parks itself when all have. A parked replica is not
 * ticked: it sends no heartbeats, checks no quorum, and does not campaign. In place of its own
 * heartbeats it is covered by those between the shards that hold it: its owner wakes it when the
 * shard of its leader, or of a leader's peer, falls silent. So does anything that happens to it.
 *
 * A follower that is absent (its node is silent, or says that the replica does not run) does not
 * keep its group awake as long as the others are a quorum. It is never parked itself, as far as the
 * leader knows; the leader is woken when it returns, and brings it up to date.
 *
 * Nothing rests on it but liveness: votes, commits and reads go by the same rules, and begin with
 * waking up. (The idea is CockroachDB's quiescence; the handshake keeps a leader from parking
 * while a follower still waits for its heartbeats.)
 */
import { nobody } from "../base/index.ts";
import type { NodeKey } from "../base/index.ts";
import type { ParkRequest, ParkResponse } from "./message.ts";
import { answerLeader, takeCommit } from "./heartbeat.ts";
import { jointVote } from "./quorum/joint.ts";
import type { RaftState } from "./state.ts";

/** Whether a member's node is silent, or says that the member does not run. */
export type AbsenceCheck = (member: NodeKey) => boolean;

/** Whether a leader has had nothing to do for so long that its followers may be asked to park. */
function isIdle({ log, options, idleTicks, reads, confirmedReads }: RaftState): boolean {
  if (options.parkTicks === 0 || idleTicks < options.parkTicks) return false;
  if (log.committed < log.lastIndex || log.stable < log.lastIndex) return false;
  return reads.length === 0 && confirmedReads.length === 0;
}

/** Whether all followers but absent ones have everything, and they are a quorum with the leader. */
function canPark(state: RaftState): boolean {
  if (!isIdle(state)) return false;
  const { log, followers, progress, configuration } = state;
  for (const { state: sending, match, commitSent, nudge, absent } of followers) {
    const ready = sending === "replicate" && match === log.lastIndex && commitSent === match;
    if (!absent && (!ready || nudge)) return false;
  }
  return jointVote(configuration, (voter) => progress.get(voter)?.absent !== true) === "won";
}

/**
 * Takes the place of a heartbeat if the group may park; returns whether it did. Without present
 * followers there is nobody to wait for.
 */
export function maybeAskToPark(state: RaftState, isAbsent: AbsenceCheck): boolean {
  if (!isIdle(state)) return false;
  for (const progress of state.followers) progress.absent = isAbsent(progress.member);
  if (!canPark(state)) return false;
  state.heartbeatElapsed = 0;
  for (const progress of state.followers) {
    progress.parked = false;
    if (progress.absent) continue;
    state.messages.push({
      kind: "parkRequest",
      from: state.self,
      to: progress.member,
      term: state.term,
      index: state.log.lastIndex,
      indexTerm: state.log.lastTerm,
    });
  }
  maybePark(state);
  return true;
}

function maybePark(state: RaftState): void {
  if (state.followers.every(({ parked, absent }) => parked || absent)) state.parked = true;
}

export function handleParkRequest(state: RaftState, request: ParkRequest): void {
  const { log } = state;
  const { from, index } = request;
  takeCommit(state, index, request.indexTerm);
  // Entries beyond it are of a leader that fell: this one will replace them, and is asked again.
  state.parked = log.lastIndex === index && log.stable === index;
  tellParked(state, from, index);
}

function tellParked(state: RaftState, leader: NodeKey, index: number): void {
  const { self: from, term, parked } = state;
  answerLeader(state, { kind: "parkResponse", from, to: leader, term, index, parked });
}

export function handleParkResponse(state: RaftState, { from, index, parked }: ParkResponse): void {
  const progress = state.progress.get(from);
  if (progress === undefined) return;
  progress.recentlyActive = true;
  if (!parked) {
    // It waits for heartbeats, perhaps of a leader that has parked.
    progress.parked = false;
    wake(state);
    return;
  }
  if (index !== state.log.lastIndex || !canPark(state)) return;
  progress.parked = true;
  maybePark(state);
}

/** Something happens to the replica: it takes part again. */
export function wake(state: RaftState): void {
  state.idleTicks = 0;
  state.parked = false;
}

/**
 * Nobody vouches for the replica any more. A follower says so to its leader: one that has parked
 * would send it no heartbeats, and it would campaign against a leader that works.
 */
export function unpark(state: RaftState): void {
  const { parked, role, leader, log } = state;
  wake(state);
  if (parked && role === "follower" && leader !== nobody) tellParked(state, leader, log.lastIndex);
}

/** Whether a parked leader hears a follower that it has parked without. */
export function isUnexpected(state: RaftState, from: NodeKey): boolean {
  return state.parked && state.isLeader && state.progress.get(from)?.parked === false;
}
