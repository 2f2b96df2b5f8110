/** A term's leader, and the terms of the log with which it was elected. */
import type { Index, Term } from "../../../base/index.ts";
import type { ShadowReplica } from "../shadow.ts";
import type { CommittedLog } from "./committed-log.ts";

export class LeaderTerm {
  readonly term: Term;
  readonly replica: ShadowReplica;
  private readonly committed: CommittedLog;
  /** Up to here the leader's log was what was known to be committed: kept there once for all. */
  private readonly base: Index;
  /** Terms of its entries above `base` that it brought from earlier terms. */
  private readonly brought: readonly Term[];

  constructor(term: Term, replica: ShadowReplica, committed: CommittedLog) {
    this.term = term;
    this.replica = replica;
    this.committed = committed;
    this.base = committed.agreedTo(replica);
    const { terms } = replica.written;
    let end = this.base;
    while (end < terms.length && (terms[end] ?? 0) < term) end += 1;
    this.brought = terms.slice(this.base, end);
  }

  /**
   * The term that an entry has in this leader's log. A leader only adds entries of its own term, so
   * this holds for all of its term.
   */
  termAt(index: Index): Term {
    if (index === 0) return 0;
    if (index <= this.base) return this.committed.terms[index - 1] ?? 0;
    return this.brought[index - this.base - 1] ?? this.term;
  }
}
