/**
 * Leader Append-Only: a leader never overwrites or deletes entries in its log (thesis figure 3.2).
 *
 * That holds for all of its term, also after it has stepped down: nobody else leads that term, so
 * nobody could make it. A commit that cuts a log carries the term in which the replica then is; it
 * cannot lead that term before the vote for itself, which came with or after that commit, is on
 * disk.
 */
import type { Index } from "../../../base/index.ts";
import type { Check, Stage } from "../check.ts";
import type { ShadowChange, ShadowLog, ShadowReplica } from "../shadow.ts";
import { Violation } from "../violation.ts";
import type { GroupLives } from "./group-life.ts";
import { livesOf } from "./group-life.ts";

/** Where a log ended; a power cut puts another log in its place. */
interface End {
  log: ShadowLog;
  lastIndex: Index;
}

export class LeaderAppendOnly implements Check {
  readonly name = "leader-append-only";
  private readonly lives: GroupLives;
  private readonly ends: WeakMap<ShadowReplica, End> = new WeakMap();

  constructor(stage: Stage) {
    this.lives = livesOf(stage);
  }

  onWritten(replica: ShadowReplica, change: ShadowChange): void {
    if (change.terms.length === 0) return;
    const { written, node, group } = replica;
    const end = this.ends.get(replica);
    if (end === undefined) {
      this.ends.set(replica, { log: written, lastIndex: written.lastIndex });
      return;
    }
    const { log, lastIndex } = end;
    end.log = written;
    end.lastIndex = written.lastIndex;
    if (log !== written || change.first > lastIndex) return;
    const leader = this.lives.of(replica).leaders.get(written.term);
    if (leader?.replica !== replica) return;
    throw new Violation(
      this.name,
      `${node} leads group ${group} in term ${written.term} and replaces its entries from ` +
        `${change.first} on; it had ${lastIndex}`,
    );
  }
}
