/** The shadow of one shard's disk: what it holds of every replica, as shadow.ts tells. */
import { assert } from "../../base/index.ts";
import type { GroupId, Incarnation, NodeId } from "../../base/index.ts";
import type { CommitBatch, Descriptor } from "../../log/index.ts";
import type { Check } from "./check.ts";
import { ShadowReplica, shadowCommit } from "./shadow.ts";
import type { ShadowCommit } from "./shadow.ts";
import type { Trace } from "./trace.ts";

interface Pending {
  readonly sequence: number;
  readonly atUs: number;
  readonly commit: ShadowCommit;
  /** Replicas that begin with this commit. */
  created: readonly ShadowReplica[];
}

export class ShadowDisk {
  readonly node: NodeId;
  /** Replicas as the newest commit left them. */
  written: Map<GroupId, ShadowReplica> = new Map();
  /** Replicas that a power cut cannot take away. */
  private durable: Map<GroupId, ShadowReplica> = new Map();
  private pending: Pending[] = [];
  /** When a commit last ended. */
  private endedAtUs = 0;
  private readonly checks: Check;
  private readonly trace: Trace | undefined;

  constructor(node: NodeId, checks: Check, trace?: Trace) {
    this.trace = trace;
    this.node = node;
    this.checks = checks;
  }

  /**
   * Since when the disk has made no progress: no commit has ended, and the oldest in flight waits.
   * Undefined if there is none.
   */
  waitingSinceUs(): number | undefined {
    const [oldest] = this.pending;
    return oldest && Math.max(oldest.atUs, this.endedAtUs);
  }

  onWritten(sequence: number, batch: CommitBatch, atUs: number): void {
    const commit = shadowCommit(batch);
    this.pending.push({ sequence, atUs, commit, created: this.write(commit) });
  }

  /** Everything up to a sequence number is durable. */
  onDurable(sequence: number, atUs: number): void {
    this.endedAtUs = atUs;
    while (this.pending[0] !== undefined && this.pending[0].sequence <= sequence) {
      const first = this.pending.shift();
      if (first !== undefined) this.settle(first);
    }
  }

  /** The process is gone; the disk shows commits up to `visibleThrough`. */
  onCrashed(visibleThrough: number): void {
    const kept = this.pending.filter(({ sequence }) => sequence <= visibleThrough);
    const lost = this.pending.length - kept.length;
    this.pending = kept;
    if (lost === 0) return;
    this.written = new Map();
    for (const [group, replica] of this.durable) {
      replica.written = replica.durable.copy();
      replica.state = replica.durableState;
      this.written.set(group, replica);
    }
    for (const pending of kept) pending.created = this.write(pending.commit, false);
  }

  /** A copy of what is durable, to be put back later. */
  image(): Map<GroupId, ShadowReplica> {
    const image = new Map<GroupId, ShadowReplica>();
    for (const [group, replica] of this.durable) image.set(group, replica.copy());
    return image;
  }

  restore(image: ReadonlyMap<GroupId, ShadowReplica>): void {
    this.pending = [];
    this.durable = new Map();
    for (const [group, replica] of image) this.durable.set(group, replica.copy());
    this.written = new Map(this.durable);
  }

  private write(commit: ShadowCommit, tell = true): ShadowReplica[] {
    const created: ShadowReplica[] = [];
    const former: ShadowReplica[] = [];
    for (const group of commit.removed) {
      const replica = this.written.get(group);
      const replaced = commit.descriptors.some((descriptor) => descriptor.group === group);
      if (replica !== undefined && replaced) former.push(replica);
      if (tell) this.checks.onRemoved?.(this.node, group, replaced);
      this.written.delete(group);
    }
    for (const descriptor of commit.descriptors) {
      const known = this.written.get(descriptor.group);
      if (known !== undefined) {
        known.state = descriptor.state;
        continue;
      }
      const incarnation = incarnationIn(descriptor, this.node);
      const replica = new ShadowReplica(this.node, incarnation, descriptor);
      this.written.set(descriptor.group, replica);
      created.push(replica);
    }
    for (const change of commit.changes) {
      const replica = this.written.get(change.group);
      assert(replica !== undefined, "a change follows its descriptor");
      replica.written.take(change);
      if (tell) this.checks.onWritten?.(replica, change);
    }
    for (const old of tell ? former : []) {
      const replica = this.written.get(old.group);
      if (replica !== undefined) this.checks.onReplaced?.(old, replica);
    }
    return created;
  }

  private settle({ commit, created }: Pending): void {
    for (const group of commit.removed) this.durable.delete(group);
    for (const replica of created) this.durable.set(replica.group, replica);
    for (const { group, state } of commit.descriptors) {
      const replica = this.durable.get(group);
      if (replica !== undefined) replica.durableState = state;
    }
    for (const change of commit.changes) {
      const replica = this.durable.get(change.group);
      assert(replica !== undefined, "a change follows its descriptor");
      replica.durable.take(change);
      this.trace?.durable(this.node, change);
      this.checks.onDurable?.(replica, change);
    }
  }
}

function incarnationIn({ members }: Descriptor, node: NodeId): Incarnation {
  return members.find((member) => member.node === node)?.incarnation ?? 0;
}
