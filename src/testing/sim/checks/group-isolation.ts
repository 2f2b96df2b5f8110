/**
 * Groups that share shards, frames and commit records do not mix. A message carries the incarnation
 * of its sender's replica of that very group and goes to a member of it; and an entry that is
 * applied in a group was proposed there, no less often than it is applied.
 */
import type { GroupId, Index } from "../../../base/index.ts";
import type { AppliedEntry, Check, SentMessage, Stage } from "../check.ts";
import { Violation } from "../violation.ts";
import type { GroupLife, GroupLives } from "./group-life.ts";
import { livesOf } from "./group-life.ts";
import { noopHash } from "./state-machine-agreement.ts";

export class GroupIsolation implements Check {
  readonly name = "group-isolation";
  private readonly stage: Stage;
  private readonly lives: GroupLives;
  /** Proposals of each group that are not known to be applied, counted by hash. */
  private readonly proposed: Map<GroupId, Map<number, number>> = new Map();
  /** The last entry that any replica has applied. */
  private readonly appliedTo: WeakMap<GroupLife, Index> = new WeakMap();

  constructor(stage: Stage) {
    this.stage = stage;
    this.lives = livesOf(stage);
  }

  onSend(sent: SentMessage): void {
    const { from, to, group, incarnation, message } = sent;
    // It may leave in the very round that writes the replica's descriptor.
    if (message.kind === "preVoteRequest") return;
    const replica = this.lives.senderOf(sent);
    let fault: string | undefined;
    if (replica === undefined) fault = "without a replica on disk";
    else if (replica.incarnation !== incarnation) fault = "under a foreign incarnation";
    else if (!replica.members.includes(to)) fault = "that is no member";
    if (fault === undefined) return;
    const text = `${from} sends ${to} a ${message.kind} of group ${group} ${fault}`;
    throw new Violation(this.name, text);
  }

  onProposed(group: GroupId, hash: number): void {
    let counts = this.proposed.get(group);
    if (counts === undefined) {
      counts = new Map();
      this.proposed.set(group, counts);
    }
    counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }

  /** Replicas after the first apply the same entry: state-machine-agreement.ts sees to that. */
  onApplied({ node, group, index, hash }: AppliedEntry): void {
    const replica = this.stage.shadow(node, group);
    // Where nobody tells of proposals there is nothing to compare with.
    if (replica === undefined || hash === noopHash || this.proposed.size === 0) return;
    const life = this.lives.of(replica);
    if (index <= (this.appliedTo.get(life) ?? 0)) return;
    this.appliedTo.set(life, index);
    const counts = this.proposed.get(group);
    const count = counts?.get(hash) ?? 0;
    if (count === 0) {
      const text = `entry ${index} of group ${group} on ${node} was not proposed there that often`;
      throw new Violation(this.name, text);
    }
    if (count === 1) counts?.delete(hash);
    else counts?.set(hash, count - 1);
  }
}
