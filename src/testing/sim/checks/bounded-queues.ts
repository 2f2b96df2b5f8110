/**
 * Everything that waits in a replica is bounded: proposals without a block, entries that a leader
 * has taken in and does not know to be committed, and messages on their way to each follower.
 * Looked at in a sample of all replicas. And what a round gives to the store of a shard is bounded.
 *
 * Each bound lets in one thing more while it is not reached, so the largest such thing comes on
 * top: a call's proposals, which are no larger than one command may be, or a block, which is at
 * most `blockBytesMax` or one call.
 */
import type { GroupId, NodeId, ShardId } from "../../../base/index.ts";
import type { CommitBatch } from "../../../log/index.ts";
import { entryHeaderBytes } from "../../../raft/index.ts";
import type { Raft } from "../../../raft/index.ts";
import type { ShardOptions } from "../../../shard/index.ts";
import type { Check, Stage } from "../check.ts";
import { Violation } from "../violation.ts";
import { ReplicaSample } from "./replica-sample.ts";
import type { Sampled } from "./replica-sample.ts";

interface Examined {
  readonly group: GroupId;
  readonly open: { readonly bytes: number };
  readonly raft: Raft;
}

export class BoundedQueues implements Check {
  readonly name = "bounded-queues";
  private readonly options: ShardOptions;
  private readonly callBytesMax: number;
  private readonly blockBytesMax: number;
  private readonly sample: ReplicaSample<Examined> = new ReplicaSample();

  constructor(stage: Stage) {
    this.options = stage.options;
    const { commandBytesMax } = stage.options;
    this.callBytesMax = commandBytesMax + entryHeaderBytes(commandBytesMax);
    this.blockBytesMax = Math.max(stage.options.blockBytesMax, this.callBytesMax);
  }

  onTurn({ node, shard }: { readonly node: NodeId; readonly shard: Sampled<Examined> }): void {
    this.sample.visit(shard, (replica) => this.examine(node, replica));
  }

  /** What one round writes keeps the shard's thread, or its disk, from everything else. */
  onCommit(node: NodeId, shardId: ShardId, { changes }: CommitBatch): void {
    let bytes = 0;
    for (const { blocks } of changes) for (const block of blocks) bytes += block.bytes.length;
    const bytesMax = this.options.roundBytesMax + this.blockBytesMax;
    if (bytes <= bytesMax) return;
    const what = `shard ${shardId} of ${node} writes ${bytes} bytes in a round, above ${bytesMax}`;
    throw new Violation(this.name, what);
  }

  private examine(node: NodeId, { group, open, raft }: Examined): void {
    const fault = this.faultOf(open.bytes, raft);
    if (fault !== undefined) throw new Violation(this.name, `group ${group} on ${node}: ${fault}`);
  }

  private faultOf(openBytes: number, raft: Raft): string | undefined {
    const { openBytesMax, uncommittedBytesMax, inflightMessagesMax } = this.options;
    const openMax = openBytesMax + this.callBytesMax;
    if (openBytes > openMax) return `${openBytes} bytes of open proposals, above ${openMax}`;
    if (!raft.isLeader) return undefined;
    const { state } = raft;
    const uncommittedMax = uncommittedBytesMax + this.blockBytesMax;
    if (state.log.uncommittedBytes() > uncommittedMax) {
      const bytes = ownUncommittedBytes(raft);
      if (bytes > uncommittedMax) return `${bytes} uncommitted bytes, above ${uncommittedMax}`;
    }
    for (const { inflights } of state.progress.values) {
      if (inflights.count <= inflightMessagesMax) continue;
      return `${inflights.count} messages in flight, above ${inflightMessagesMax}`;
    }
    return undefined;
  }
}

/**
 * Only what the leader took in itself is bounded. What it brought along as a follower is not: that
 * may be left over from several leaders before it.
 */
function ownUncommittedBytes({ state }: Raft): number {
  const { log, termStart } = state;
  let bytes = 0;
  for (let next = Math.max(termStart, log.committed + 1); next <= log.lastIndex; ) {
    const blocks = log.blocksFrom(next, Number.POSITIVE_INFINITY);
    for (const block of blocks) {
      bytes += block.bytes.length;
      next = block.first + block.count;
    }
    if (blocks.length === 0) break;
  }
  return bytes;
}
