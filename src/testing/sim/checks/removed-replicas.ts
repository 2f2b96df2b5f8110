/**
 * What is removed was nobody's: a replica that has voted or holds entries may be one of a quorum
 * that has promised something, and goes only with its whole group. Today's one removal is that of a
 * group whose creation failed.
 */
import type { GroupId, NodeId } from "../../../base/index.ts";
import type { Check, Stage } from "../check.ts";
import { Violation } from "../violation.ts";

export class RemovedReplicas implements Check {
  readonly name = "removed-replicas";
  private readonly stage: Stage;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  onRemoved(node: NodeId, group: GroupId): void {
    const replica = this.stage.shadow(node, group);
    if (replica === undefined || replica.written.term === 0) return;
    const { term, lastIndex } = replica.written;
    throw new Violation(
      this.name,
      `group ${group} is removed from ${node}, in term ${term} with ${lastIndex} entries`,
    );
  }
}
