/**
 * Linearizable reads without log writes: thesis §6.4. The read index is the commit index when the
 * read arrives, but not below the leader's own no-op: before that is committed a leader may not
 * know what its predecessors committed. The read runs once a quorum has confirmed, in a round that
 * began after it arrived, that this leader is still theirs, and the state machine has applied the
 * index. One round serves every read that waits.
 */
import { jointIndex } from "./quorum/joint.ts";
import type { RaftState } from "./state.ts";

/** Registers a read. The caller must be the leader. */
export function requestRead(state: RaftState, ticket: number): void {
  state.reads.push({
    ticket,
    index: Math.max(state.log.committed, state.termStart),
    round: state.readRound + 1,
  });
  state.readRoundDue = true;
}

/**
 * Confirms reads by the quorum's rounds. A peer's answer to a round confirms all earlier ones: it
 * was sent later. The same mathematics as for the commit index, over rounds in place of indexes.
 */
export function confirmReads(state: RaftState): void {
  if (state.reads.length === 0) return;
  const confirmed = jointIndex(state.configuration, (voter) =>
    voter === state.self ? state.readRound : (state.progress.get(voter)?.readRound ?? 0),
  );
  let count = 0;
  for (const read of state.reads) {
    if (read.round > confirmed) break;
    state.confirmedReads.push({ ticket: read.ticket, index: read.index });
    count += 1;
  }
  if (count > 0) state.reads.splice(0, count);
}
