/**
 * The safety properties of figure 3.2 of the Raft thesis, checked from outside over all replicas after every change, and one
 * more: a committed entry lies on the disks of a quorum at that moment, whatever the replicas believe.
 */
import assert from "node:assert/strict";
import type { Index, NodeKey, Term } from "../../src/base/index.ts";
import { checkInvariants } from "../../src/raft/index.ts";
import type { Configuration } from "../../src/raft/index.ts";
import type { SimulatedReplica } from "./simulated-replica.ts";

interface CommittedEntry {
  readonly term: Term;
  /** The term of the leader that committed it. */
  readonly committedIn: Term;
  /** Known once some replica applied it. */
  text: string | undefined;
}

export class SafetyChecker {
  /** What is committed, as any replica knows it; the entry of index 1 comes first. */
  readonly committed: CommittedEntry[] = [];
  private readonly configuration: Configuration;
  private readonly leaders: Map<Term, NodeKey> = new Map();
  private readonly appliedTo: Map<NodeKey, number> = new Map();
  /** Where the last check of each replica's committed entries ended; those below cannot change unseen. */
  private readonly checkedTo: Map<NodeKey, Index> = new Map();

  constructor(configuration: Configuration) {
    this.configuration = configuration;
  }

  check(running: readonly SimulatedReplica[], all: readonly SimulatedReplica[]): void {
    for (const replica of running) {
      checkInvariants(replica.live);
      this.checkCommitted(replica, all);
      this.checkLeader(replica);
      this.checkApplied(replica);
    }
  }

  /** Log matching: two logs with an entry of the same index and term are equal up to there. */
  checkLogMatching(running: readonly SimulatedReplica[]): void {
    for (const [at, replica] of running.entries()) {
      for (const other of running.slice(at + 1)) {
        const ours = replica.terms;
        const theirs = other.terms;
        let last = Math.min(ours.length, theirs.length) - 1;
        while (last >= 0 && ours[last] !== theirs[last]) last -= 1;
        assert.deepEqual(
          ours.slice(0, last + 1),
          theirs.slice(0, last + 1),
          `logs of ${replica.id} and ${other.id} agree at ${last + 1} and differ below`,
        );
      }
    }
  }

  /** A log that a test wrote by hand counts as committed up to its stored commit index. */
  private checkCommitted(replica: SimulatedReplica, all: readonly SimulatedReplica[]): void {
    const { log, term } = replica.live.state;
    const from = Math.min(this.checkedTo.get(replica.id) ?? 1, log.committed);
    this.checkedTo.set(replica.id, log.committed);
    for (let index = Math.max(from, 1); index <= log.committed; index += 1) {
      const known = this.committed[index - 1];
      const entryTerm = log.termAt(index) ?? -1;
      if (known !== undefined) {
        assert.equal(entryTerm, known.term, `entry ${index}, committed, differs on ${replica.id}`);
        continue;
      }
      this.checkQuorumOfDisks(index, entryTerm, all);
      this.committed.push({ term: entryTerm, committedIn: term, text: undefined });
    }
  }

  private checkQuorumOfDisks(index: Index, term: Term, all: readonly SimulatedReplica[]): void {
    for (const voters of [this.configuration.voters, this.configuration.votersOutgoing]) {
      const holders = all.filter(({ id, disk }) => voters.includes(id) && disk.holds(index, term));
      assert.ok(
        voters.length === 0 || holders.length * 2 > voters.length,
        `entry ${index} of term ${term} is committed with ${holders.length} of ${voters.length} disks`,
      );
    }
  }

  private checkLeader(replica: SimulatedReplica): void {
    const { isLeader, state, term } = replica.live;
    if (!isLeader) return;
    const known = this.leaders.get(term);
    if (known === undefined) {
      this.leaders.set(term, replica.id);
      for (const [at, entry] of this.committed.entries()) {
        if (entry.committedIn >= term) continue;
        const message = `leader ${replica.id} of term ${term} lacks the committed entry ${at + 1}`;
        assert.equal(state.log.termAt(at + 1), entry.term, message);
      }
    }
    assert.equal(this.leaders.get(term), replica.id, `one leader in term ${term}`);
  }

  private checkApplied(replica: SimulatedReplica): void {
    const { applied, id } = replica;
    const seen = this.appliedTo.get(id) ?? 0;
    for (const [at, entry] of applied.entries()) {
      if (at < seen && seen <= applied.length) continue;
      assert.equal(entry.index, at + 1, `replica ${id} applies every entry once, in order`);
      const known = this.committed[at];
      assert.ok(known !== undefined, `entry ${at + 1} is committed before it is applied`);
      known.text ??= entry.text;
      assert.equal(entry.text, known.text, `entry ${at + 1} is the same command everywhere`);
    }
    this.appliedTo.set(id, applied.length);
  }
}
