/**
 * What is removed was nobody's: a replica that has voted or holds entries may be one of a quorum
 * that has promised something. It goes if the creation of its group failed before that, or if it
 * gives its place to a replica of another creation: then it holds no entry, or the other creation
 * has committed one, and its votes are not forgotten.
 */
import type { GroupId, NodeId } from "../../../base/index.ts";
import { majorityOf } from "../../../raft/index.ts";
import type { Check, Stage } from "../check.ts";
import type { ShadowReplica } from "../shadow.ts";
import { Violation } from "../violation.ts";

export class RemovedReplicas implements Check {
  readonly name = "removed-replicas";
  private readonly stage: Stage;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  onRemoved(node: NodeId, group: GroupId, replaced: boolean): void {
    const replica = this.stage.shadow(node, group);
    if (replaced || replica === undefined || replica.written.term === 0) return;
    const { term, lastIndex } = replica.written;
    throw new Violation(
      this.name,
      `group ${group} is removed from ${node}, in term ${term} with ${lastIndex} entries`,
    );
  }

  onReplaced(former: ShadowReplica, replica: ShadowReplica): void {
    const { node, group, written } = former;
    const fault = (what: string): Violation => {
      return new Violation(this.name, `${node} leaves a creation of group ${group} ${what}`);
    };
    if (replica.written.term < written.term) throw fault(`and its vote in term ${written.term}`);
    if (written.lastIndex === 0) return;
    const others = this.stage.shadowsOf(group).filter(({ birth }) => birth === replica.birth);
    if (others.some(({ written: { commit } }) => commit > 0)) return;
    // A commit index is written with the next change only; the entry is on its disks before.
    const holders = others.filter(({ durable }) => durable.lastIndex > 0);
    if (holders.length >= majorityOf(replica.members.length)) return;
    throw fault(`with ${written.lastIndex} entries for one that has committed none`);
  }
}
