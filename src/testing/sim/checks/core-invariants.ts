/**
 * What must hold inside a replica between any two calls: the assertions of `raft/invariants.ts`,
 * for a sample of all replicas. The one check that looks into them.
 */
import { messageOf } from "../../../base/index.ts";
import type { GroupId, NodeId } from "../../../base/index.ts";
import { checkInvariants } from "../../../raft/index.ts";
import type { Raft } from "../../../raft/index.ts";
import type { Check, Stage } from "../check.ts";
import { Violation } from "../violation.ts";
import { ReplicaSample } from "./replica-sample.ts";
import type { Sampled } from "./replica-sample.ts";

interface Examined {
  readonly group: GroupId;
  readonly raft: Raft;
}

export class CoreInvariants implements Check {
  readonly name = "core-invariants";
  private readonly sample: ReplicaSample<Examined> = new ReplicaSample();

  constructor(_stage: Stage) {}

  onTurn({ node, shard }: { readonly node: NodeId; readonly shard: Sampled<Examined> }): void {
    this.sample.visit(shard, (replica) => this.examine(node, replica));
  }

  private examine(node: NodeId, { group, raft }: Examined): void {
    try {
      checkInvariants(raft);
    } catch (error) {
      const text = messageOf(error);
      throw new Violation(this.name, `group ${group} on ${node}: not ${text}`);
    }
  }
}
