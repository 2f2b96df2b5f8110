/**
 * Leader Completeness: an entry that was committed in a term is in the logs of the leaders of all
 * later terms (thesis figure 3.2 and §3.6.3).
 *
 * Looked at from both ends: a new leader must have what is known to be committed in earlier terms,
 * and what becomes known later must be in the logs of the later leaders that there are already. A
 * leader's log never loses an entry that was committed in an earlier term, so its log as it is now
 * will do.
 */
import type { Index } from "../../../base/index.ts";
import type { Check, Stage } from "../check.ts";
import { Violation } from "../violation.ts";
import type { CommitGrowth, GroupLife } from "./group-life.ts";
import { livesOf } from "./group-life.ts";
import type { LeaderTerm } from "./leader-term.ts";

export class LeaderCompleteness implements Check {
  readonly name = "leader-completeness";

  constructor(stage: Stage) {
    const lives = livesOf(stage);
    lives.leaderListeners.push((life, leader) => {
      this.check(life, leader, life.committed.lastIndex);
    });
    lives.commitListeners.push((growth) => this.onCommitted(growth));
  }

  private onCommitted({ life, to, term }: CommitGrowth): void {
    if (life.newest === undefined || life.newest.term <= term) return;
    for (const leader of life.leaders.values()) {
      if (leader.term > term) this.check(life, leader, to - 1);
    }
  }

  private check(life: GroupLife, { replica, term }: LeaderTerm, last: Index): void {
    const { committed, group } = life;
    for (let index = committed.agreedTo(replica) + 1; index <= last; index += 1) {
      const committedIn = committed.committedIn[index - 1] ?? 0;
      if (committedIn >= term || committed.isIn(replica.written, index)) continue;
      throw new Violation(
        this.name,
        `${replica.node} leads group ${group} in term ${term} without entry ${index}, which was ` +
          `committed in term ${committedIn}`,
      );
    }
  }
}
