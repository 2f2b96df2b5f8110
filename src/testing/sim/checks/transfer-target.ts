/**
 * Who is told to take over (timeoutNow) has the whole log of the leader on its disk, and the
 * leader adds nothing to it (thesis §3.10): so it wins, and no call is lost with the old leader.
 */
import type { NodeId } from "../../../base/index.ts";
import type { Check, SentMessage, Stage } from "../check.ts";
import { Violation } from "../violation.ts";
import type { GroupLives } from "./group-life.ts";
import { livesOf } from "./group-life.ts";

export class TransferTarget implements Check {
  readonly name = "transfer-target";
  private readonly stage: Stage;
  private readonly lives: GroupLives;
  private readonly lost: Set<NodeId> = new Set();

  constructor(stage: Stage) {
    this.stage = stage;
    this.lives = livesOf(stage);
  }

  onSend(sent: SentMessage): void {
    const { message, from, to, group } = sent;
    if (message.kind !== "timeoutNow" || this.lost.has(to)) return;
    const leader = this.lives.senderOf(sent);
    const successor = this.stage.shadow(to, group);
    if (leader === undefined || successor?.birth !== leader.birth) return;
    const { lastIndex } = leader.written;
    const has = successor.durable.termAt(lastIndex);
    if (message.index === lastIndex && has === leader.written.termAt(lastIndex)) return;
    throw new Violation(
      this.name,
      `${from} hands group ${group} over to ${to} with entry ${message.index}; its own log ends at ` +
        `${lastIndex}, and ${to}'s disk has ${successor.durable.lastIndex}`,
    );
  }

  onDiskLost(node: NodeId): void {
    this.lost.add(node);
  }
}
