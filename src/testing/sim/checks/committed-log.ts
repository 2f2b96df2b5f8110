/**
 * What is committed in one group, as far as anybody has shown that he knows it: the reference that
 * other checks compare with. It only ever grows; who lets it grow is committed-entries.ts.
 */
import type { Index, Term } from "../../../base/index.ts";
import type { ShadowLog, ShadowReplica } from "../shadow.ts";

/** How far a replica's log was seen to hold what is committed. */
interface Agreement {
  /** A power cut replaces the log of a replica: what was seen of the old one counts no more. */
  log: ShadowLog;
  to: Index;
}

/** Entry i is in cell i - 1, as in a ShadowLog. */
export class CommittedLog {
  readonly terms: Term[] = [];
  readonly hashes: number[] = [];
  /** Term of the replica that first showed that an entry is committed: its leader's or later. */
  readonly committedIn: Term[] = [];
  private readonly agreements: WeakMap<ShadowReplica, Agreement> = new WeakMap();

  get lastIndex(): Index {
    return this.terms.length;
  }

  append(term: Term, hash: number, committedIn: Term): void {
    this.terms.push(term);
    this.hashes.push(hash);
    this.committedIn.push(committedIn);
  }

  /** Whether a log holds the committed entry of an index, which must be known. */
  isIn(log: ShadowLog, index: Index): boolean {
    const at = index - 1;
    return log.terms[at] === this.terms[at] && log.hashes[at] === this.hashes[at];
  }

  /**
   * The last index up to which a replica's `written` log holds what is committed. Each entry is
   * compared once, since it stays as it is until `cut`.
   */
  agreedTo(replica: ShadowReplica): Index {
    const { written } = replica;
    let agreement = this.agreements.get(replica);
    if (agreement === undefined) {
      agreement = { log: written, to: 0 };
      this.agreements.set(replica, agreement);
    } else if (agreement.log !== written) {
      agreement.log = written;
      agreement.to = 0;
    }
    const end = Math.min(this.terms.length, written.terms.length);
    while (agreement.to < end && this.isIn(written, agreement.to + 1)) agreement.to += 1;
    return agreement.to;
  }

  /** A replica's entries from `first` on were replaced. */
  cut(replica: ShadowReplica, first: Index): void {
    const agreement = this.agreements.get(replica);
    if (agreement !== undefined) agreement.to = Math.min(agreement.to, first - 1);
  }
}
