/**
 * What must hold between any two calls of a replica. Checked after every step in tests and in the
 * simulator; each line has its twin as an `Invariant:` at the field it speaks of.
 */
import { assert, nobody } from "../base/index.ts";
import type { Raft } from "./raft.ts";

export function checkInvariants(raft: Raft): void {
  const { state } = raft;
  const { log } = state;
  assert(log.applied <= log.committed, "applied <= committed <= lastIndex");
  assert(log.committed <= log.lastIndex, "applied <= committed <= lastIndex");
  assert(log.stable <= log.handed, "stable <= handed <= lastIndex");
  assert(log.handed <= log.lastIndex, "stable <= handed <= lastIndex");
  assert(log.lastTerm <= state.term, "no entry is of a later term than the replica's");
  assert(state.durableTerm <= state.term, "durableTerm <= term");
  assert((state.role === "leader") === (state.leader === state.self), "a leader knows itself");
  assert(state.role !== "leader" || state.vote === state.self, "a leader voted for itself");
  assert(state.role !== "candidate" || state.leader === nobody, "a candidate has no leader");
  assert(!state.parked || log.committed === log.lastIndex, "a parked log is committed to its end");
  assert(!state.parked || state.leader !== nobody, "a parked replica knows its leader");
  for (const progress of state.progress.values) {
    assert(progress.match < progress.next, "match < next");
    assert(progress.match <= log.lastIndex, "match <= lastIndex");
    assert(progress.member !== state.self || progress.match <= log.stable, "own match <= stable");
  }
}
