/**
 * An acknowledgement never covers entries that are not the leader's (thesis §3.5: a follower's log
 * is identical with the leader's "up through the new entries"). A follower may hold a tail of an
 * older leader behind what a message verified: acknowledged, it would be counted for entries that
 * it does not have.
 *
 * It is enough to compare the term at the acknowledged index: equal terms there mean equal logs up
 * to there, which log-matching.ts sees to. Where the disk is in a later term already, a later
 * leader may have replaced what was acknowledged, and nothing is compared.
 */
import type { Check, SentMessage, Stage } from "../check.ts";
import { Violation } from "../violation.ts";
import type { GroupLives } from "./group-life.ts";
import { livesOf } from "./group-life.ts";

export class VerifiedPrefix implements Check {
  readonly name = "verified-prefix";
  private readonly lives: GroupLives;

  constructor(stage: Stage) {
    this.lives = livesOf(stage);
  }

  onSend(sent: SentMessage): void {
    const { message, to, group } = sent;
    if (message.kind !== "appendResponse" || message.rejected) return;
    const replica = this.lives.senderOf(sent);
    if (replica === undefined || replica.durable.term !== message.term) return;
    const { term, index } = message;
    const { node, durable } = replica;
    const leader = this.lives.of(replica).leaders.get(term);
    if (leader?.replica.node !== to) {
      throw new Violation(
        this.name,
        `${node} acknowledges entries of group ${group} to ${to} in term ${term}, which ` +
          `${leader?.replica.node ?? "nobody"} leads`,
      );
    }
    const own = durable.termAt(index);
    const expected = leader.termAt(index);
    // What the disk does not have at all is the concern of persist-before-speak.ts.
    if (own === undefined || own === expected) return;
    throw new Violation(
      this.name,
      `${node} acknowledges entries up to ${index} of group ${group} to ${to} in term ${term}; ` +
        `its entry there is of term ${own}, the leader's of term ${expected}`,
    );
  }
}
