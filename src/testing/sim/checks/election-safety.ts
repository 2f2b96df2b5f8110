/**
 * Election Safety: at most one leader can be elected in a term (thesis figure 3.2 and §3.4).
 *
 * A leader is whoever says that it is one, to its engine or by a message that only leaders send.
 * This check also keeps the account of leaders that others read.
 */
import type { Term } from "../../../base/index.ts";
import type { Check, RoleChange, SentMessage, Stage } from "../check.ts";
import type { ShadowReplica } from "../shadow.ts";
import { Violation } from "../violation.ts";
import type { GroupLives } from "./group-life.ts";
import { livesOf } from "./group-life.ts";
import { speaksAsLeader } from "./leader-message.ts";

export class ElectionSafety implements Check {
  readonly name = "election-safety";
  private readonly stage: Stage;
  private readonly lives: GroupLives;

  constructor(stage: Stage) {
    this.stage = stage;
    this.lives = livesOf(stage);
  }

  onSend(sent: SentMessage): void {
    if (!speaksAsLeader(sent.message)) return;
    const replica = this.lives.senderOf(sent);
    if (replica !== undefined) this.claim(replica, sent.message.term);
  }

  onRole({ node, group, role, term }: RoleChange): void {
    if (role !== "leader") return;
    const replica = this.stage.shadow(node, group);
    // Mail comes late: it may tell of a replica that is gone. Its successor under the same id
    // begins with term 0, while a leader's term is on its disk before it leads.
    if (replica !== undefined && replica.durable.term >= term) this.claim(replica, term);
  }

  private claim(replica: ShadowReplica, term: Term): void {
    const life = this.lives.of(replica);
    const { newest } = life;
    const known = newest?.term === term ? newest : life.leaders.get(term);
    if (known === undefined) {
      const leader = life.addLeader(term, replica);
      for (const listener of this.lives.leaderListeners) listener(life, leader);
    } else if (known.replica.node !== replica.node) {
      throw new Violation(
        this.name,
        `${known.replica.node} and ${replica.node} both lead group ${life.group} in term ${term}`,
      );
    }
  }
}
