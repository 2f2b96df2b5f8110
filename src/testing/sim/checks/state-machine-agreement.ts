/**
 * State Machine Safety: what one replica has applied at an index, no other ever applies another
 * command for (thesis figure 3.2, §3.6.3), and the machines being deterministic, the results are
 * equal too (§3.1).
 *
 * Each machine is given every command of the log once, in order, from the first on; no-ops are
 * passed over. And it is given only what is known to be committed and is on its own replica's disk:
 * a machine that ran ahead of its disk could show readers what a crash takes back.
 */
import type { GroupId, Index, NodeId, ShardId } from "../../../base/index.ts";
import type { RecoveredGroup } from "../../../log/index.ts";
import { blockKind } from "../../../raft/index.ts";
import type { AppliedEntry, Check, Stage } from "../check.ts";
import { hashOf } from "../shadow.ts";
import type { ShadowReplica } from "../shadow.ts";
import { Violation } from "../violation.ts";
import type { GroupLife, GroupLives } from "./group-life.ts";
import { livesOf } from "./group-life.ts";

/** What a no-op is in the shadow logs: one entry without bytes. */
export const noopHash: number = hashOf(new Uint8Array(0), blockKind.noop);

export class StateMachineAgreement implements Check {
  readonly name = "state-machine-agreement";
  private readonly stage: Stage;
  private readonly lives: GroupLives;
  /** The last entry that each machine took or passed over. */
  private readonly applied: Map<GroupId, Map<NodeId, Index>> = new Map();
  /** Results of each group, that of entry i in cell i - 1; undefined for a no-op. */
  private readonly results: WeakMap<GroupLife, (number | undefined)[]> = new WeakMap();

  constructor(stage: Stage) {
    this.stage = stage;
    this.lives = livesOf(stage);
  }

  onMachine(node: NodeId, group: GroupId): void {
    this.applied.get(group)?.delete(node);
  }

  onRecovered(node: NodeId, _shardId: ShardId, groups: readonly RecoveredGroup[]): void {
    for (const { descriptor } of groups) this.onMachine(node, descriptor.group);
  }

  onRemoved(node: NodeId, group: GroupId): void {
    this.onMachine(node, group);
  }

  onApplied(entry: AppliedEntry): void {
    const { node, group, index } = entry;
    const replica = this.stage.shadow(node, group);
    if (replica === undefined) throw this.fault(entry, "and has no such replica on disk");
    this.checkOrder(entry, replica);
    this.checkEntry(entry, replica);
    const life = this.lives.of(replica);
    let results = this.results.get(life);
    if (results === undefined) {
      results = [];
      this.results.set(life, results);
    }
    const known = results[index - 1];
    if (known === undefined) results[index - 1] = entry.resultHash;
    else if (known !== entry.resultHash) {
      throw this.fault(entry, "with another result than a replica before it");
    }
  }

  private checkOrder(entry: AppliedEntry, { durable }: ShadowReplica): void {
    const { node, group, index } = entry;
    let byNode = this.applied.get(group);
    if (byNode === undefined) {
      byNode = new Map();
      this.applied.set(group, byNode);
    }
    const before = byNode.get(node) ?? 0;
    byNode.set(node, index);
    if (index <= before) throw this.fault(entry, `after entry ${before}`);
    for (let passed = before + 1; passed < index; passed += 1) {
      if (durable.hashes[passed - 1] === noopHash) continue;
      throw this.fault(entry, `and left out entry ${passed}`);
    }
  }

  private checkEntry(entry: AppliedEntry, replica: ShadowReplica): void {
    const { index, term, hash } = entry;
    const { durable } = replica;
    if (durable.termAt(index) === undefined) throw this.fault(entry, "and has it not on disk");
    if (durable.termAt(index) !== term || durable.hashes[index - 1] !== hash) {
      throw this.fault(entry, "and has another on disk");
    }
    const { committed } = this.lives.of(replica);
    const at = index - 1;
    if (committed.terms[at] === term && committed.hashes[at] === hash) return;
    throw this.fault(entry, "and another, or none, is committed there");
  }

  private fault({ node, group, index, term }: AppliedEntry, what: string): Violation {
    const text = `${node} applies entry ${index} of term ${term} in group ${group} ${what}`;
    return new Violation(this.name, text);
  }
}
