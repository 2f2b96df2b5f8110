/**
 * Heartbeats: thesis §3.4. They carry the commit index and the read round, and find messages that
 * were lost. A follower that is being sent entries and accepts them needs none.
 */
import { RaftError } from "../base/index.ts";
import type { Index, Term } from "../base/index.ts";
import type { HeartbeatRequest, HeartbeatResponse, ParkResponse } from "./message.ts";
import { confirmReads } from "./read-index.ts";
import type { RaftState } from "./state.ts";
import type { Progress } from "./tracker/progress.ts";

/**
 * Sends a heartbeat to every follower that needs one. It is called again when the first of the
 * others needs one, so that none waits longer than an interval.
 */
export function sendDueHeartbeats(state: RaftState): void {
  if (state.reads.length > 0) {
    broadcastHeartbeat(state);
    return;
  }
  state.heartbeatElapsed = 0;
  for (const progress of state.followers) {
    if (isInTouch(state, progress)) {
      const age = state.leaderTicks - progress.sentTick;
      state.heartbeatElapsed = Math.max(state.heartbeatElapsed, age);
    } else pushHeartbeat(state, progress, 0);
  }
}

/**
 * Whether entries do all that a heartbeat would: within the last interval they kept the follower
 * from campaigning and carried the commit index, and it accepted some, which shows the leader that
 * it is there. An entry that is lost among others is found by the rejection of the next; when the
 * last is lost, nothing more is sent, and heartbeats find it.
 */
function isInTouch({ leaderTicks, options }: RaftState, progress: Progress): boolean {
  const { heartbeatTicks } = options;
  return (
    leaderTicks - progress.sentTick < heartbeatTicks &&
    leaderTicks - progress.acceptedTick < heartbeatTicks &&
    progress.state === "replicate" &&
    !progress.nudge
  );
}

function pushHeartbeat(state: RaftState, progress: Progress, readRound: number): void {
  progress.sentTick = state.leaderTicks;
  const commit = Math.min(state.log.committed, progress.match);
  state.messages.push({
    kind: "heartbeatRequest",
    from: state.self,
    to: progress.member,
    term: state.term,
    commit,
    commitTerm: state.log.terms.termAt(commit),
    readRound,
  });
}

export function broadcastHeartbeat(state: RaftState): void {
  state.heartbeatElapsed = 0;
  // Reads that were not confirmed are asked about again under a fresh number: an answer to the old
  // one may still be in flight.
  if (state.reads.length > 0) state.readRound += 1;
  state.readRoundDue = false;
  const readRound = state.reads.length > 0 ? state.readRound : 0;
  for (const progress of state.followers) pushHeartbeat(state, progress, readRound);
  confirmReads(state);
}

export function handleHeartbeatRequest(state: RaftState, request: HeartbeatRequest): void {
  takeCommit(state, request.commit, request.commitTerm);
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
  const waiting = state.durableTerm === state.term ? state.messages : state.durableMessages;
  // While a disk hangs nothing leaves: of the answers to one leader only the newest is kept, since
  // it says all that the older ones do.
  const at = waiting.findLastIndex(({ kind, to }) => kind === response.kind && to === response.to);
  if (at === -1) waiting.push(response);
  else waiting[at] = response;
}

/**
 * A leader names no commit index beyond what this replica has acknowledged to it. If the log ends
 * before that, or has an entry of another term there, the disk has forgotten: an old image came
 * back, or a flush was a lie. An old image may hold entries that have been replaced since; without
 * the comparison of terms they would be applied as committed. What else the disk has forgotten,
 * votes among it, is unknown, so the replica must not go on.
 * @throws ERR_GROUP_DISABLED
 */
export function takeCommit(state: RaftState, commit: Index, commitTerm: Term): void {
  const { log, term } = state;
  const found = log.termAt(commit);
  if (found !== commitTerm) {
    const has =
      found === undefined
        ? `The log ends at ${log.lastIndex}`
        : `The log has an entry of term ${found} at ${commit}`;
    const acknowledged =
      found === undefined
        ? `${commit} in term ${term}`
        : `one of term ${commitTerm} in term ${term}`;
    throw new RaftError(
      "ERR_GROUP_DISABLED",
      `${has}, and this replica has acknowledged ${acknowledged}`,
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
