/**
 * The terms of a log as runs: (first index, term), ascending in both. Terms change once an
 * election, so a log of millions of entries has a handful of runs, and every question about terms
 * is answered without reading an entry.
 */
import { assert } from "../../base/index.ts";
import type { Index, Term } from "../../base/index.ts";

export interface TermRun {
  readonly first: Index;
  readonly term: Term;
}

export class TermRuns {
  // Replaced rather than grown: an array that was pushed to keeps room for 16 more.
  private firsts: readonly Index[] = [];
  private terms: readonly Term[] = [];

  constructor(runs: readonly TermRun[] = []) {
    for (const run of runs) this.append(run.first, run.term);
  }

  /** Entries from `first` on have `term`. */
  append(first: Index, term: Term): void {
    const lastTerm = this.terms.at(-1) ?? 0;
    assert(term >= lastTerm, "terms of a log never fall");
    if (term === lastTerm) return;
    assert(first > (this.firsts.at(-1) ?? 0), "runs ascend");
    this.firsts = this.firsts.concat(first);
    this.terms = this.terms.concat(term);
  }

  /** Forgets everything from `index` on. */
  truncate(index: Index): void {
    const kept = this.runOf(index - 1) + 1;
    this.firsts = this.firsts.slice(0, kept);
    this.terms = this.terms.slice(0, kept);
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
    let run = this.runOf(index);
    let end = index;
    while (run >= 0 && end > floor && (this.terms[run] ?? 0) > term) {
      end = (this.firsts[run] ?? 1) - 1;
      run -= 1;
    }
    return Math.max(end, floor);
  }

  toArray(): TermRun[] {
    return this.firsts.map((first, at) => ({ first, term: this.terms[at] ?? 0 }));
  }

  private runOf(index: Index): number {
    let run = this.firsts.length - 1;
    // The newest runs are asked for most, and there are few: walk back.
    while (run >= 0 && (this.firsts[run] ?? 0) > index) run -= 1;
    return run;
  }
}
