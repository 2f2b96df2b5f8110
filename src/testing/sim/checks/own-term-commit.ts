/**
 * A leader commits by counting only entries of its own term (thesis §3.6.2, figure 3.7): one of an
 * older term may be on a majority of disks and still be replaced by a leader that has a later one.
 * Such an entry is committed together with one of the leader's own behind it.
 *
 * Looked at whenever a leader does something that may follow from a new commit index; what anybody
 * had shown to be committed before is no news of this leader's. It comes before the check that
 * keeps account of that.
 */
import type { GroupId, NodeId } from "../../../base/index.ts";
import type { AppliedEntry, Check, SentMessage, Stage } from "../check.ts";
import type { ShadowChange, ShadowReplica } from "../shadow.ts";
import { Violation } from "../violation.ts";
import type { GroupLives } from "./group-life.ts";
import { livesOf } from "./group-life.ts";
import { speaksAsLeader } from "./leader-message.ts";

export class OwnTermCommit implements Check {
  readonly name = "own-term-commit";
  private readonly stage: Stage;
  private readonly lives: GroupLives;

  constructor(stage: Stage) {
    this.stage = stage;
    this.lives = livesOf(stage);
  }

  onSend({ from, group, message }: SentMessage): void {
    if (speaksAsLeader(message)) this.look(from, group);
  }

  onWritten(replica: ShadowReplica, _change: ShadowChange): void {
    this.look(replica.node, replica.group);
  }

  onApplied({ node, group }: AppliedEntry): void {
    this.look(node, group);
  }

  private look(node: NodeId, group: GroupId): void {
    const raft = this.stage.live(node, group)?.raft;
    if (raft === undefined || !raft.isLeader) return;
    const { log, term } = raft.state;
    const { committed } = log;
    const entryTerm = log.termAt(committed);
    if (committed === 0 || entryTerm === term) return;
    const replica = this.stage.shadow(node, group);
    if (replica === undefined) return;
    if (committed <= this.lives.of(replica).committed.lastIndex) return;
    throw new Violation(
      this.name,
      `${node}, which leads group ${group} in term ${term}, takes entry ${committed} of term ` +
        `${entryTerm} for committed, which nobody has committed before`,
    );
  }
}
