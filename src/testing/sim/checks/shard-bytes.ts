/**
 * What a shard holds stays within its shares of `shardBytesMax`, whatever the number of its groups,
 * and it knows what it holds. Each share lets in one thing more while it is not used up: a frame of
 * another shard, or a block of its own.
 */
import type { NodeId } from "../../../base/index.ts";
import { entryHeaderBytes } from "../../../raft/index.ts";
import { byteShares } from "../../../shard/index.ts";
import type { HeldBytes, ShardOptions } from "../../../shard/index.ts";
import type { Check, Stage } from "../check.ts";
import { Violation } from "../violation.ts";

interface Examined {
  readonly held: HeldBytes;
  readonly replicas: ReadonlyMap<
    unknown,
    { readonly raft: { readonly state: { readonly log: { readonly tailBytes: number } } } }
  >;
}

/** Walking all replicas after every event would cost more than the rest of the simulation. */
const turnsBetween = 32;

export class ShardBytes implements Check {
  readonly name = "shard-bytes";
  private readonly options: ShardOptions;
  private turns = 0;

  constructor(stage: Stage) {
    this.options = stage.options;
  }

  onTurn({ node, shard }: { readonly node: NodeId; readonly shard: Examined }): void {
    const { held } = shard;
    const { blockBytesMax, commandBytesMax, shardBytesMax } = this.options;
    const shares = byteShares(shardBytesMax);
    const callBytesMax = commandBytesMax + entryHeaderBytes(commandBytesMax);
    const entriesMax = shares.entries + held.frameBytesMax + Math.max(blockBytesMax, callBytesMax);
    if (held.entries > entriesMax) {
      this.fail(node, `${held.entries} bytes of entries in memory, above ${entriesMax}`);
    }
    const forwardedMax = shares.forwarded + held.frameBytesMax;
    if (held.forwarded > forwardedMax) {
      this.fail(node, `${held.forwarded} bytes of forwarded calls, above ${forwardedMax}`);
    }
    this.turns += 1;
    if (this.turns % turnsBetween !== 0) return;
    let entries = 0;
    for (const { raft } of shard.replicas.values()) entries += raft.state.log.tailBytes;
    if (entries === held.entries) return;
    this.fail(node, `${entries} bytes of entries in memory, and ${held.entries} are counted`);
  }

  private fail(node: NodeId, what: string): never {
    throw new Violation(this.name, `a shard of ${node} has ${what}`);
  }
}
