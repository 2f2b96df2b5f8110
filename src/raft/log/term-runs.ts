/**
 * The terms of a log as runs: (first index, term), ascending in both. Terms change once an
 * election, so a log of millions of entries usually has a handful of runs, and every question about
 * terms is answered without reading an entry. A group that elects without end has many runs: all
 * questions cost at most the logarithm of their number, and building them from a log costs their
 * number.
 */
import { assert } from "../../base/index.ts";
import type { Index, Term } from "../../base/index.ts";

export interface TermRun {
  readonly first: Index;
  readonly term: Term;
}

/**
 * Up to so many runs the arrays are replaced rather than grown: an array that was pushed to keeps
 * room for 16 more, which thousands of idle groups do not need.
 */
const exactRunsMax = 8;

export class TermRuns {
  private firsts: Index[] = [];
  private terms: Term[] = [];

  constructor(runs: readonly TermRun[] = []) {
    // A store may tell of one term in several runs.
    const changes = runs.filter(({ term }, at) => term !== (runs[at - 1]?.term ?? 0));
    for (const [at, { first, term }] of changes.entries()) {
      assert(term > (changes[at - 1]?.term ?? 0), "terms of a log never fall");
      assert(first > (changes[at - 1]?.first ?? 0), "runs ascend");
    }
    this.firsts = changes.map(({ first }) => first);
    this.terms = changes.map(({ term }) => term);
  }

  /** Entries from `first` on have `term`. */
  append(first: Index, term: Term): void {
    const { firsts, terms } = this;
    const lastTerm = terms.at(-1) ?? 0;
    assert(term >= lastTerm, "terms of a log never fall");
    if (term === lastTerm) return;
    assert(first > (firsts.at(-1) ?? 0), "runs ascend");
    if (firsts.length < exactRunsMax) {
      this.firsts = firsts.concat(first);
      this.terms = terms.concat(term);
    } else {
      firsts.push(first);
      terms.push(term);
    }
  }

  /** Forgets everything from `index` on. */
  truncate(index: Index): void {
    const kept = this.runOf(index - 1) + 1;
    if (kept === this.firsts.length) return;
    this.firsts.length = kept;
    this.terms.length = kept;
  }

  /** The term of the entry at `index`, which must lie in the log; 0 before the first run. */
  termAt(index: Index): Term {
    return this.terms[this.runOf(index)] ?? 0;
  }

  /** The last index of the run that holds `index`, where the log ends at `lastIndex`. */
  runEnd(index: Index, lastIndex: Index): Index {
    const next = this.firsts[this.runOf(index) + 1];
    return next === undefined ? lastIndex : next - 1;
  }

  /** The last index at or before `index` whose term is at most `term`, not below `floor`. */
  lastAtMost(index: Index, term: Term, floor: Index): Index {
    const run = this.runOf(index);
    if (run < 0 || (this.terms[run] ?? 0) <= term) return Math.max(index, floor);
    // Runs ascend in both, so the run after the last one of such a term begins above its end.
    const next = lastNotAbove(this.terms, term, run) + 1;
    return Math.max((this.firsts[next] ?? 1) - 1, floor);
  }

  toArray(): TermRun[] {
    return this.firsts.map((first, at) => ({ first, term: this.terms[at] ?? 0 }));
  }

  private runOf(index: Index): number {
    return lastNotAbove(this.firsts, index, this.firsts.length - 1);
  }
}

/** The last place up to `hi` of an ascending list whose value is at most `value`, or -1. */
function lastNotAbove(ascending: readonly number[], value: number, hi: number): number {
  // The newest run is asked for most.
  if (hi >= 0 && (ascending[hi] ?? 0) <= value) return hi;
  let below = -1;
  let above = hi;
  while (above - below > 1) {
    const middle = (below + above) >>> 1;
    if ((ascending[middle] ?? 0) <= value) below = middle;
    else above = middle;
  }
  return below;
}
