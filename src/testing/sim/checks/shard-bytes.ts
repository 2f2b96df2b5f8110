/**
 * What a shard holds stays within its shares of `shardBytesMax`, whatever the number of its groups,
 * and it knows what it holds. Each share lets in one thing more while it is not used up: a frame of
 * another shard, or a block of its own.
 */
import type { NodeId } from "../../../base/index.ts";
import { entryHeaderBytes } from "../../../raft/index.ts";
import { byteShares, callOverheadBytes } from "../../../shard/index.ts";
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

/** An empty result is a byte of a frame, and a word of mail. */
const wordsPerByte = 4;
/** An answer that says why there is none. */
const refusalBytesMax = 1_024;
/** Walking all replicas after every event would cost more than the rest of the simulation. */
const turnsBetween = 32;

export class ShardBytes implements Check {
  readonly name = "shard-bytes";
  private readonly options: ShardOptions;
  private readonly callBytesMax: number;
  private turns = 0;

  constructor(stage: Stage) {
    this.options = stage.options;
    const { commandBytesMax } = stage.options;
    this.callBytesMax = commandBytesMax + entryHeaderBytes(commandBytesMax);
  }

  onTurn({ node, shard }: { readonly node: NodeId; readonly shard: Examined }): void {
    const { held } = shard;
    const { blockBytesMax, shardBytesMax } = this.options;
    const { entries: share } = byteShares(shardBytesMax);
    const entriesMax = share + held.frameBytesMax + Math.max(blockBytesMax, this.callBytesMax);
    if (held.entries > entriesMax) {
      this.fail(node, `${held.entries} bytes of entries in memory, above ${entriesMax}`);
    }
    this.examineAnswers(node, held);
    this.turns += 1;
    if (this.turns % turnsBetween !== 0) return;
    let entries = 0;
    for (const { raft } of shard.replicas.values()) entries += raft.state.log.tailBytes;
    if (entries === held.entries) return;
    this.fail(node, `${entries} bytes of entries in memory, and ${held.entries} are counted`);
  }

  private examineAnswers(node: NodeId, held: HeldBytes): void {
    const shares = byteShares(this.options.shardBytesMax);
    const { answerBytesMax, frameBytesMax } = held;
    const callBytesMax = callOverheadBytes + Math.min(frameBytesMax, this.callBytesMax);
    // A call, a result of another one, and all results of the oldest whose results are gathered.
    const forwardedMax = shares.forwarded + callBytesMax + 2 * answerBytesMax;
    if (held.forwarded > forwardedMax) {
      this.fail(node, `${held.forwarded} bytes of forwarded calls, above ${forwardedMax}`);
    }
    // What a frame answers comes whole, and takes more in mail than in CBOR: a word a result.
    const unreadMax = shares.unread + answerBytesMax + wordsPerByte * frameBytesMax;
    if (held.unread > unreadMax) {
      this.fail(node, `${held.unread} bytes of answers that were not read, above ${unreadMax}`);
    }
    const waitingMax = shares.waiting + Math.max(answerBytesMax, refusalBytesMax);
    if (held.waiting > waitingMax) {
      this.fail(node, `${held.waiting} bytes of answers that wait, above ${waitingMax}`);
    }
  }

  private fail(node: NodeId, what: string): never {
    throw new Violation(this.name, `a shard of ${node} has ${what}`);
  }
}
