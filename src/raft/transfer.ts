/**
 * Leadership transfer: thesis §3.10. The leader takes no more proposals and sends its successor
 * what it lacks. When the successor's disk holds the whole log, and all of it is committed, the
 * leader tells it to campaign at once: without pre-vote, and past the lease that the leader has on
 * the voters (§4.2.3). Until it hears of a later term it leads on, with heartbeats and reads. A
 * transfer that takes an election timeout is given up, and proposals are taken again.
 *
 *     leader ── appendRequest, what is missing ──► successor
 *            ◄─ appendResponse, everything ───────
 *            ── timeoutNow ──────────────────────► campaigns in the next term, `force`
 */
import { nobody } from "../base/index.ts";
import type { NodeKey } from "../base/index.ts";
import { campaign } from "./election.ts";
import type { TimeoutNow } from "./message.ts";
import { isVoter } from "./quorum/joint.ts";
import type { RaftState } from "./state.ts";

/**
 * The voter that needs least before it can lead: one that takes entries, with the longest log. Only
 * among those that `isWilling` names; `nobody` if there is none.
 */
export function chooseSuccessor(state: RaftState, isWilling: (voter: NodeKey) => boolean): NodeKey {
  let best = nobody;
  let bestMatch = -1;
  for (const { member, state: sending, match } of state.followers) {
    if (sending === "snapshot" || !isVoter(state.configuration, member)) continue;
    const rank = sending === "replicate" ? match + 1 : 0;
    if (rank <= bestMatch || !isWilling(member)) continue;
    best = member;
    bestMatch = rank;
  }
  return best;
}

/** Begins a transfer, in place of one that has another successor. The caller must be the leader. */
export function beginTransfer(state: RaftState, successor: NodeKey): void {
  if (state.successor === successor) return;
  state.successor = successor;
  state.successorTold = false;
  state.transferElapsed = 0;
  maybeTellSuccessor(state);
}

/** The leader stays, and takes proposals again. */
export function endTransfer(state: RaftState): void {
  state.successor = nobody;
}

/** After anything that shows more of the successor's log, or commits more. */
export function maybeTellSuccessor(state: RaftState): void {
  const { log, successor: to, self: from, term } = state;
  if (to === nobody || state.successorTold) return;
  const index = log.lastIndex;
  if (state.progress.get(to)?.match !== index || log.committed !== index) return;
  state.successorTold = true;
  state.messages.push({ kind: "timeoutNow", from, to, term, index });
}

/**
 * What a leader sends that must stop at once and cannot wait for a transfer: the message to a voter
 * that has everything already, or undefined if none has.
 */
export function farewell(
  state: RaftState,
  isWilling: (voter: NodeKey) => boolean,
): TimeoutNow | undefined {
  const { log, self: from, term } = state;
  const index = log.lastIndex;
  const to = chooseSuccessor(state, isWilling);
  if (state.progress.get(to)?.match !== index || log.committed !== index) return undefined;
  return { kind: "timeoutNow", from, to, term, index };
}

/** On a leader, once a tick. */
export function tickTransfer(state: RaftState): void {
  if (state.successor === nobody) return;
  // A group that is handed over is not idle.
  state.idleTicks = 0;
  state.transferElapsed += 1;
  if (state.transferElapsed >= state.options.electionTicks) endTransfer(state);
}

/**
 * The leader asks this replica to take its place. If the log does not end where the leader's ended
 * then, the message was in flight for longer than its transfer, which the leader has given up.
 */
export function handleTimeoutNow(state: RaftState, { index }: TimeoutNow): void {
  if (state.log.lastIndex === index) campaign(state, true);
}
