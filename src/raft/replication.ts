/**
 * Log replication: thesis §3.5 (AppendEntries, log matching), §3.6.2 (what a leader may commit),
 * §10.2.1 (pipelining), with the fast back-off by term of §3.5's last paragraphs in both
 * directions.
 */
import { RaftError } from "../base/index.ts";
import type { Index, NodeKey } from "../base/index.ts";
import { lastIndexOf, sliceBlock } from "./block.ts";
import type { Block } from "./block.ts";
import type { RaftLog } from "./log/raft-log.ts";
import type { AppendRequest, AppendResponse } from "./message.ts";
import { jointIndex } from "./quorum/joint.ts";
import type { RaftState } from "./state.ts";
import type { Progress } from "./tracker/progress.ts";

/**
 * Says whether a peer may be sent entries now; one that may not is asked again in a later turn.
 * `onDisk` is the first entry to send where it has to be read back from the store, 0 where it is in
 * memory.
 */
export type AppendGate = (peer: NodeKey, onDisk: Index) => boolean;

/** Sends to every follower what is due and what its window allows. */
export function sendAppends(state: RaftState, gate: AppendGate): void {
  for (const progress of state.followers) {
    if (!wantsEntries(state.log, progress)) continue;
    const onDisk = state.log.holds(progress.next) ? 0 : progress.next;
    if (gate(progress.member, onDisk)) sendEntries(state, progress);
  }
}

/** Whether `sendAppends` would send anything to peers that may be sent to. */
export function hasAppends({ log, followers }: RaftState): boolean {
  for (const progress of followers) if (wantsEntries(log, progress)) return true;
  return false;
}

/** Whether `sendCommitNotices` would send anything. */
export function hasCommitNotices({ log, followers }: RaftState): boolean {
  for (const progress of followers) {
    if (progress.commitSent < Math.min(log.committed, progress.match)) return true;
  }
  return false;
}

/** Whether a peer that may be sent to is due an AppendRequest. */
function wantsEntries(log: RaftLog, progress: Progress): boolean {
  if (progress.nudge) return true;
  return !progress.paused && (progress.next <= log.lastIndex || progress.state === "probe");
}

function sendEntries(state: RaftState, progress: Progress): void {
  const { log, options } = state;
  if (progress.nudge) {
    progress.nudge = false;
    // Whatever the window says: an empty message after the last one sent makes the follower say
    // where it stands.
    if (progress.state === "replicate" && (progress.paused || progress.next > log.lastIndex)) {
      pushAppend(state, progress, []);
    }
  }
  // A new leader's first probe goes out even without entries, to learn where the follower stands.
  let probeEmpty = progress.state === "probe" && !progress.probeSent;
  while (!progress.paused && (progress.next <= log.lastIndex || probeEmpty)) {
    probeEmpty = false;
    const backlog = !log.holds(progress.next);
    pushAppend(state, progress, log.blocksFrom(progress.next, options.appendBytesMax));
    if (backlog) {
      // One message a turn of what is only on disk, so that one group does not hold up the rest.
      state.backlog = true;
      break;
    }
  }
}

function pushAppend(state: RaftState, progress: Progress, blocks: readonly Block[]): void {
  const { log } = state;
  const prevIndex = progress.next - 1;
  const prevTerm = log.termAt(prevIndex);
  if (prevTerm === undefined) {
    progress.becomeSnapshot();
    return;
  }
  let bytes = 0;
  for (const block of blocks) bytes += block.bytes.length;
  const tail = blocks.at(-1);
  const last = tail === undefined ? prevIndex : lastIndexOf(tail);
  state.messages.push({
    kind: "appendRequest",
    from: state.self,
    to: progress.member,
    term: state.term,
    prevIndex,
    prevTerm,
    commit: log.committed,
    blocks,
  });
  progress.sentTick = state.leaderTicks;
  progress.sent(last, bytes);
  if (progress.state === "replicate") {
    progress.commitSent = Math.max(progress.commitSent, Math.min(log.committed, last));
  }
}

/**
 * Without new entries to carry it, the commit index travels alone, never beyond what the follower
 * is known to hold.
 */
export function sendCommitNotices(state: RaftState): void {
  for (const progress of state.followers) {
    const commit = Math.min(state.log.committed, progress.match);
    if (commit <= progress.commitSent) continue;
    progress.commitSent = commit;
    state.messages.push({
      kind: "commitNotice",
      from: state.self,
      to: progress.member,
      term: state.term,
      commit,
      commitTerm: state.log.terms.termAt(commit),
    });
  }
}

/** A follower takes entries from the leader of its term. */
export function handleAppendRequest(state: RaftState, request: AppendRequest): void {
  const { log } = state;
  if (log.termAt(request.prevIndex) !== request.prevTerm) {
    const hint = log.conflictHint(request.prevIndex, request.prevTerm);
    pushAppendResponse(state, request.from, {
      index: request.prevIndex,
      rejected: true,
      hintIndex: hint.index,
      hintTerm: hint.term,
    });
    return;
  }
  let last = request.prevIndex;
  for (const block of request.blocks) {
    takeBlock(state, block);
    last = lastIndexOf(block);
  }
  // Only what this message verified counts, not the tail that may follow it here: that tail may
  // belong to another leader.
  const commit = Math.min(request.commit, last);
  if (commit > log.committed) log.committed = commit;
  pushAppendResponse(state, request.from, {
    index: last,
    rejected: false,
    hintIndex: 0,
    hintTerm: 0,
  });
}

/** Leaves when this replica's state as of now is durable. */
export function pushAppendResponse(state: RaftState, to: NodeKey, answer: AppendAnswer): void {
  const { durableMessages, term } = state;
  // A leader that hears nothing repeats itself while this disk hangs: what has been answered and
  // waits to leave is not answered again.
  for (let at = durableMessages.length - 1; at >= 0; at -= 1) {
    const waiting = durableMessages[at];
    if (waiting?.kind !== "appendResponse" || waiting.to !== to || waiting.term !== term) continue;
    if (saysAsMuch(waiting, answer)) return;
    break;
  }
  durableMessages.push({ kind: "appendResponse", from: state.self, to, term, ...answer });
}

type AppendAnswer = Pick<AppendResponse, "index" | "rejected" | "hintIndex" | "hintTerm">;

function saysAsMuch(waiting: AppendAnswer, answer: AppendAnswer): boolean {
  if (!waiting.rejected && !answer.rejected) return waiting.index >= answer.index;
  return (
    waiting.rejected === answer.rejected &&
    waiting.index === answer.index &&
    waiting.hintIndex === answer.hintIndex &&
    waiting.hintTerm === answer.hintTerm
  );
}

/** Appends what is new in a block; everything before it is known to match. */
function takeBlock(state: RaftState, block: Block): void {
  const { log } = state;
  const end = lastIndexOf(block) + 1;
  let from = block.first;
  if (from <= log.lastIndex && log.termAt(from) === block.term) {
    from = Math.min(log.terms.runEnd(from, log.lastIndex) + 1, end);
  }
  if (from >= end) return;
  if (from <= log.lastIndex) {
    if (from <= log.committed) {
      throw new RaftError(
        "ERR_GROUP_DISABLED",
        `Entry ${from} of term ${block.term} from the leader contradicts the committed entry of term ${log.termAt(from)}`,
        { details: { reason: "an entry that was committed here differs from the leader's" } },
      );
    }
    log.truncate(from, state.term);
  }
  log.append(sliceBlock(block, from, end, state.environment.checksum));
}

export function handleAppendResponse(state: RaftState, response: AppendResponse): void {
  const progress = state.progress.get(response.from);
  if (progress === undefined) return;
  progress.recentlyActive = true;
  if (response.rejected) {
    const hint = retryIndex(state, response.hintIndex, response.hintTerm);
    if (progress.maybeDecrease(response.index, hint)) {
      progress.nudge = false;
      if (progress.state === "replicate") progress.becomeProbe();
    }
    return;
  }
  if (response.index > state.log.lastIndex) return;
  progress.acceptedTick = state.leaderTicks;
  const news = progress.maybeUpdate(response.index);
  if (progress.state === "replicate") progress.inflights.freeTo(response.index);
  else if (progress.state === "probe" && (news || progress.match === response.index)) {
    progress.becomeReplicate();
  }
  if (news) maybeCommit(state);
}

/**
 * Thesis §3.5: skips all entries of terms that the follower cannot have, a round trip a term at
 * most.
 */
function retryIndex(state: RaftState, hintIndex: Index, hintTerm: number): Index {
  if (hintTerm === 0) return hintIndex;
  return state.log.conflictHint(hintIndex, hintTerm).index;
}

/**
 * Advances the commit index to what a quorum holds durably, if that entry is of this leader's own
 * term: an older one may still be overwritten though a majority has it (thesis figure 3.7; paper
 * figure 8).
 */
export function maybeCommit(state: RaftState): boolean {
  const { log } = state;
  const index = jointIndex(state.configuration, (voter) => state.progress.get(voter)?.match ?? 0);
  if (index <= log.committed || log.termAt(index) !== state.term) return false;
  log.committed = index;
  return true;
}

/** The connection to a peer was lost, and perhaps what was on it. */
export function reportUnreachable(state: RaftState, peer: NodeKey): void {
  const progress = state.progress.get(peer);
  if (progress?.state === "replicate") progress.becomeProbe();
  // In `probe` nothing is sent until a heartbeat is answered: a dead peer costs no entries.
  if (progress?.state === "probe") progress.probeSent = true;
}
