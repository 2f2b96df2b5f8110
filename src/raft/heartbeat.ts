/**
 * Heartbeats: thesis §3.4. They carry the commit index and the read round, and find messages that
 * were lost.
 */
import { RaftError } from "../base/index.ts";
import type { HeartbeatRequest, HeartbeatResponse, ParkResponse } from "./message.ts";
import { confirmReads } from "./read-index.ts";
import type { RaftState } from "./state.ts";

export function broadcastHeartbeat(state: RaftState): void {
  state.heartbeatElapsed = 0;
  // Reads that were not confirmed are asked about again under a fresh number: an answer to the old
  // one may be underway still.
  if (state.reads.length > 0) state.readRound += 1;
  state.readRoundDue = false;
  for (const progress of state.followers) {
    state.messages.push({
      kind: "heartbeatRequest",
      from: state.self,
      to: progress.member,
      term: state.term,
      commit: Math.min(state.log.committed, progress.match),
      readRound: state.reads.length > 0 ? state.readRound : 0,
    });
  }
  confirmReads(state);
}

export function handleHeartbeatRequest(state: RaftState, request: HeartbeatRequest): void {
  takeCommit(state, request.commit);
  answerLeader(state, {
    kind: "heartbeatResponse",
    from: state.self,
    to: request.from,
    term: state.term,
    readRound: request.readRound,
  });
}

/**
 * In a term that the disk knows, the answer promises nothing new and need not wait for other
 * groups' writes.
 */
export function answerLeader(state: RaftState, response: HeartbeatResponse | ParkResponse): void {
  if (state.durableTerm === state.term) state.messages.push(response);
  else state.durableMessages.push(response);
}

/**
 * A leader names no commit index beyond what this replica has acknowledged to it. Where its log
 * ends before that, its disk has forgotten: an old image came back, or a flush was a lie. What else
 * it has forgotten, votes among it, nobody knows, so it must not go on.
 * @throws ERR_GROUP_DISABLED
 */
export function takeCommit(state: RaftState, commit: number): void {
  const { log } = state;
  if (commit > log.lastIndex) {
    throw new RaftError(
      "ERR_GROUP_DISABLED",
      `The log ends at ${log.lastIndex}, and this replica has acknowledged ${commit} in term ${state.term}`,
      { details: { reason: "entries that it had acknowledged are gone from its disk" } },
    );
  }
  if (commit > log.committed) log.committed = commit;
}

export function handleHeartbeatResponse(state: RaftState, response: HeartbeatResponse): void {
  const progress = state.progress.get(response.from);
  if (progress === undefined) return;
  progress.recentlyActive = true;
  progress.probeSent = false;
  if (progress.match < state.log.lastIndex && progress.match === progress.matchAtHeartbeat) {
    progress.nudge = true;
  }
  progress.matchAtHeartbeat = progress.match;
  if (response.readRound > progress.readRound) {
    progress.readRound = response.readRound;
    confirmReads(state);
  }
}
