/**
 * Many checks as one: each event goes to those that listen to it, in their order, and to no other.
 */
import type { GroupId, NodeId, ShardId } from "../../../base/index.ts";
import type { RecoveredGroup } from "../../../log/index.ts";
import type { AppliedEntry, Check, RoleChange, SentMessage, Turn } from "../check.ts";
import type { ShadowChange, ShadowReplica } from "../shadow.ts";

export class AllChecks implements Required<Check> {
  readonly name = "all";
  private readonly checks: readonly Check[];
  /** Those that listen to what happens all the time. */
  private readonly atSend: readonly Check[];
  private readonly atWritten: readonly Check[];
  private readonly atDurable: readonly Check[];
  private readonly atApplied: readonly Check[];
  private readonly atTurn: readonly Check[];

  constructor(checks: readonly Check[]) {
    this.checks = checks;
    this.atSend = checks.filter((check) => "onSend" in check);
    this.atWritten = checks.filter((check) => "onWritten" in check);
    this.atDurable = checks.filter((check) => "onDurable" in check);
    this.atApplied = checks.filter((check) => "onApplied" in check);
    this.atTurn = checks.filter((check) => "onTurn" in check);
  }

  onSend(sent: SentMessage): void {
    for (const check of this.atSend) check.onSend?.(sent);
  }

  onWritten(replica: ShadowReplica, change: ShadowChange): void {
    for (const check of this.atWritten) check.onWritten?.(replica, change);
  }

  onDurable(replica: ShadowReplica, change: ShadowChange): void {
    for (const check of this.atDurable) check.onDurable?.(replica, change);
  }

  onApplied(applied: AppliedEntry): void {
    for (const check of this.atApplied) check.onApplied?.(applied);
  }

  onTurn(turn: Turn): void {
    for (const check of this.atTurn) check.onTurn?.(turn);
  }

  // The rest is rare.

  onRemoved(node: NodeId, group: GroupId): void {
    for (const check of this.checks) check.onRemoved?.(node, group);
  }

  onRecovered(node: NodeId, shardId: ShardId, groups: readonly RecoveredGroup[]): void {
    for (const check of this.checks) check.onRecovered?.(node, shardId, groups);
  }

  onStopped(node: NodeId, shardId: ShardId): void {
    for (const check of this.checks) check.onStopped?.(node, shardId);
  }

  onDiskLost(node: NodeId): void {
    for (const check of this.checks) check.onDiskLost?.(node);
  }

  onProposed(group: GroupId, hash: number): void {
    for (const check of this.checks) check.onProposed?.(group, hash);
  }

  onMachine(node: NodeId, group: GroupId): void {
    for (const check of this.checks) check.onMachine?.(node, group);
  }

  onRole(change: RoleChange): void {
    for (const check of this.checks) check.onRole?.(change);
  }

  atEnd(): void {
    for (const check of this.checks) check.atEnd?.();
  }
}
