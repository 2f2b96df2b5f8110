/**
 * Many checks as one: each event goes to those that listen to it, in their order, and to no other.
 *
 * Most events come from inside a shard's own calls, and what a check throws there may be taken for
 * a failure of a machine or a store and be answered as one. So the first violation is kept, and
 * thrown again where only the world listens.
 */
import { asError } from "../../../base/index.ts";
import type { GroupId, NodeId, ShardId } from "../../../base/index.ts";
import type { CommitBatch, RecoveredGroup } from "../../../log/index.ts";
import type { AppliedEntry, Check, RoleChange, SeenDigest, SentMessage, Turn } from "../check.ts";
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
  private first: Error | undefined;

  constructor(checks: readonly Check[]) {
    this.checks = checks;
    this.atSend = checks.filter((check) => "onSend" in check);
    this.atWritten = checks.filter((check) => "onWritten" in check);
    this.atDurable = checks.filter((check) => "onDurable" in check);
    this.atApplied = checks.filter((check) => "onApplied" in check);
    this.atTurn = checks.filter((check) => "onTurn" in check);
  }

  onSend(sent: SentMessage): void {
    this.tell(this.atSend, (check) => check.onSend?.(sent));
  }

  onWritten(replica: ShadowReplica, change: ShadowChange): void {
    this.tell(this.atWritten, (check) => check.onWritten?.(replica, change));
  }

  onDurable(replica: ShadowReplica, change: ShadowChange): void {
    this.tell(this.atDurable, (check) => check.onDurable?.(replica, change));
  }

  onRemoved(node: NodeId, group: GroupId, replaced: boolean): void {
    this.tell(this.checks, (check) => check.onRemoved?.(node, group, replaced));
  }

  onReplaced(former: ShadowReplica, replica: ShadowReplica): void {
    this.tell(this.checks, (check) => check.onReplaced?.(former, replica));
  }

  onCommit(node: NodeId, shardId: ShardId, batch: CommitBatch): void {
    this.tell(this.checks, (check) => check.onCommit?.(node, shardId, batch));
  }

  onRecovered(node: NodeId, shardId: ShardId, groups: readonly RecoveredGroup[]): void {
    this.tell(this.checks, (check) => check.onRecovered?.(node, shardId, groups));
  }

  onStopped(node: NodeId, shardId: ShardId): void {
    this.tell(this.checks, (check) => check.onStopped?.(node, shardId));
  }

  onDiskLost(node: NodeId): void {
    this.tell(this.checks, (check) => check.onDiskLost?.(node));
  }

  onProposed(group: GroupId, hash: number): void {
    this.tell(this.checks, (check) => check.onProposed?.(group, hash));
  }

  onMachine(node: NodeId, group: GroupId): void {
    this.tell(this.checks, (check) => check.onMachine?.(node, group));
  }

  onApplied(applied: AppliedEntry): void {
    this.tell(this.atApplied, (check) => check.onApplied?.(applied));
  }

  onRole(change: RoleChange): void {
    this.tell(this.checks, (check) => check.onRole?.(change));
  }

  onDigest(seen: SeenDigest): void {
    this.tell(this.checks, (check) => check.onDigest?.(seen));
  }

  onTurn(turn: Turn): void {
    this.rethrow();
    this.tell(this.atTurn, (check) => check.onTurn?.(turn));
  }

  atEnd(): void {
    this.rethrow();
    this.tell(this.checks, (check) => check.atEnd?.());
  }

  /** Throws the first violation once more, if there was one. */
  rethrow(): void {
    if (this.first !== undefined) throw this.first;
  }

  private tell(checks: readonly Check[], event: (check: Check) => void): void {
    try {
      for (const check of checks) event(check);
    } catch (error) {
      this.first ??= asError(error);
      throw error;
    }
  }
}
