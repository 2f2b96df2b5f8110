/**
 * Parking: an idle group costs nothing. Once every follower is known to hold the leader's whole
 * log and to know that all of it is committed, a heartbeat would tell nothing new; the leader asks
 * each follower to park, and parks itself when all have. A parked replica is not ticked: it sends
 * no heartbeats, checks no quorum, and does not campaign. In place of its own heartbeats it is
 * covered by those between the shards that hold it: its owner wakes it when the shard of its
 * leader, or of a leader's peer, falls silent. So does anything that happens to it.
 *
 * Nothing rests on it but liveness: votes, commits and reads go by the same rules, and begin with
 * waking up. (The idea is CockroachDB's quiescence; the handshake keeps a leader from parking
 * while a follower still waits for its heartbeats.)
 */
import type { ParkRequest, ParkResponse } from "./message.ts";
import { answerLeader, takeCommit } from "./heartbeat.ts";
import type { RaftState } from "./state.ts";

/** Whether the leader's followers may be asked to park at the next heartbeat. */
export function canPark(state: RaftState): boolean {
  const { log, options, followers } = state;
  if (options.parkTicks === 0 || state.idleTicks < options.parkTicks) return false;
  if (log.committed < log.lastIndex || log.stable < log.lastIndex) return false;
  if (state.reads.length > 0 || state.confirmedReads.length > 0) return false;
  return followers.every(
    ({ state: sending, match, commitSent, nudge }) =>
      sending === "replicate" && match === log.lastIndex && commitSent === match && !nudge,
  );
}

/** Takes the place of a heartbeat. Without followers there is nobody to wait for. */
export function broadcastParkRequest(state: RaftState): void {
  state.heartbeatElapsed = 0;
  for (const progress of state.followers) {
    progress.parked = false;
    state.messages.push({
      kind: "parkRequest",
      from: state.self,
      to: progress.member,
      term: state.term,
      index: state.log.lastIndex,
    });
  }
  if (state.followers.length === 0) state.parked = true;
}

export function handleParkRequest(state: RaftState, { from, index }: ParkRequest): void {
  const { log } = state;
  takeCommit(state, index);
  // Entries beyond it are of a leader that fell: this one will replace them, and is asked again.
  state.parked = log.lastIndex === index && log.stable === index;
  answerLeader(state, {
    kind: "parkResponse",
    from: state.self,
    to: from,
    term: state.term,
    index,
    parked: state.parked,
  });
}

export function handleParkResponse(state: RaftState, { from, index, parked }: ParkResponse): void {
  const progress = state.progress.get(from);
  if (progress === undefined) return;
  progress.recentlyActive = true;
  if (!parked || index !== state.log.lastIndex || !canPark(state)) return;
  progress.parked = true;
  if (state.followers.every((follower) => follower.parked)) state.parked = true;
}

/** Something happens to the replica: it takes part again. */
export function wake(state: RaftState): void {
  state.idleTicks = 0;
  state.parked = false;
}
