/**
 * An entry is committed only when a majority of the group's disks holds it (thesis §3.5: "stored on
 * a majority"; §3.8: what is stored must survive a crash), whatever the replicas believe.
 *
 * Looked at when somebody first shows that the entry is committed. The replicas that made it so had
 * it on disk before, and none of them gives it up again. A disk that was lost since counts as it
 * was when it was lost: what it promised while it was there was true.
 */
import type { Check, Stage } from "../check.ts";
import { Violation } from "../violation.ts";
import type { CommitGrowth } from "./group-life.ts";
import { livesOf } from "./group-life.ts";

export class QuorumOfDisks implements Check {
  readonly name = "quorum-of-disks";

  constructor(stage: Stage) {
    livesOf(stage).commitListeners.push((growth) => this.onCommitted(growth));
  }

  private onCommitted({ life, from, to, term }: CommitGrowth): void {
    for (let index = from; index < to; index += 1) {
      const holders = life.holdersOf(index);
      if (holders >= life.majority) continue;
      throw new Violation(
        this.name,
        `entry ${index} of group ${life.group} is committed in term ${term} with ${holders} of ` +
          `${life.members.length} disks`,
      );
    }
  }
}
