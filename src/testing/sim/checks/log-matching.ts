/**
 * Log Matching: two logs that have an entry of the same index and term are equal up to that index
 * (thesis figure 3.2 and §3.5).
 *
 * Held as a property of single entries: everybody's entry of an index and a term has the same
 * command, and comes after an entry of the same term. By induction over the index that is the same,
 * and it costs one comparison for each entry that is written. An index has one such entry in all
 * logs but for what fallen leaders left behind, so the account is about as large as one log.
 */
import type { Index, Term } from "../../../base/index.ts";
import type { Check, Stage } from "../check.ts";
import type { ShadowChange, ShadowReplica } from "../shadow.ts";
import { Violation } from "../violation.ts";
import type { GroupLife, GroupLives } from "./group-life.ts";
import { livesOf } from "./group-life.ts";

interface Entry {
  readonly term: Term;
  readonly hash: number;
  /** Term of the entry before it. */
  readonly before: Term;
}

/** The entries of one group: of each index the first one seen, and others apart. */
class SeenEntries {
  private readonly terms: Term[] = [];
  private readonly hashes: number[] = [];
  private readonly befores: Term[] = [];
  private readonly others: Map<Index, Entry[]> = new Map();

  /** What makes an entry unequal to one of the same index and term, if anything does. */
  add(index: Index, entry: Entry): string | undefined {
    const at = index - 1;
    const term = this.terms[at];
    if (term === undefined) {
      this.terms[at] = entry.term;
      this.hashes[at] = entry.hash;
      this.befores[at] = entry.before;
      return undefined;
    }
    if (term === entry.term) {
      if (this.hashes[at] !== entry.hash) return "has different commands";
      return this.befores[at] === entry.before ? undefined : "follows different entries";
    }
    return this.addOther(index, entry);
  }

  private addOther(index: Index, entry: Entry): string | undefined {
    const others = this.others.get(index);
    const known = others?.find(({ term }) => term === entry.term);
    if (others === undefined) this.others.set(index, [entry]);
    else if (known === undefined) others.push(entry);
    if (known === undefined) return undefined;
    if (known.hash !== entry.hash) return "has different commands";
    return known.before === entry.before ? undefined : "follows different entries";
  }
}

export class LogMatching implements Check {
  readonly name = "log-matching";
  private readonly lives: GroupLives;
  private readonly seen: WeakMap<GroupLife, SeenEntries> = new WeakMap();

  constructor(stage: Stage) {
    this.lives = livesOf(stage);
  }

  onWritten(replica: ShadowReplica, { first, terms, hashes }: ShadowChange): void {
    if (terms.length === 0) return;
    const seen = this.seenIn(this.lives.of(replica));
    let before = replica.written.termAt(first - 1) ?? -1;
    for (const [at, term] of terms.entries()) {
      const fault = seen.add(first + at, { term, hash: hashes[at] ?? 0, before });
      before = term;
      if (fault === undefined) continue;
      throw new Violation(
        this.name,
        `entry ${first + at} of term ${term} in group ${replica.group} ${fault} on ` +
          `${replica.node} and elsewhere`,
      );
    }
  }

  private seenIn(life: GroupLife): SeenEntries {
    let seen = this.seen.get(life);
    if (seen === undefined) {
      seen = new SeenEntries();
      this.seen.set(life, seen);
    }
    return seen;
  }
}
