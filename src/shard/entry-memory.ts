/**
 * Keeps the entries that all replicas hold in memory within their share of the shard's bytes. Above
 * half of it, what is durable leaves memory, and is read back by those who need it. What is not
 * durable cannot leave: while it uses up the share, leaders take in no more proposals, and what
 * other nodes send on their data lanes is not read, until the disk has caught up. Nothing but this
 * shard's own disk is waited for, so that nodes cannot wait for each other.
 */
import type { GroupId } from "../base/index.ts";
import type { ShardContext } from "./context.ts";
import type { Replica } from "./replica.ts";

/** What it needs of its shard. */
export type MemoryOwner = Pick<
  ShardContext,
  "shares" | "tails" | "replicas" | "heldBack" | "entriesFull" | "markDirty" | "dataPause"
>;

export class EntryMemory {
  private readonly context: MemoryOwner;
  private readonly keptBytes: number;
  /** A round of evictions that goes on where the last one ended. */
  private rest: Iterator<[GroupId, Replica]> | undefined;

  constructor(context: MemoryOwner) {
    this.context = context;
    this.keptBytes = context.shares.entries / 2;
  }

  /** Entries have arrived. */
  afterFrame(): void {
    const { context } = this;
    if (context.dataPause.has("entries") || !context.entriesFull) return;
    this.evict();
    if (context.entriesFull) context.dataPause.begin("entries");
  }

  /** A replica that ended may have freed what was waited for: no commit ends then. */
  beforeRound(): void {
    const { entriesFull, heldBack, dataPause } = this.context;
    if (dataPause.has("entries") || entriesFull || heldBack.length > 0) this.afterCommit();
  }

  /** More is durable than before. */
  afterCommit(): void {
    const { context } = this;
    this.evict();
    if (context.entriesFull) return;
    context.dataPause.end("entries");
    if (context.heldBack.length === 0) return;
    const waiting = context.heldBack;
    context.heldBack = [];
    for (const replica of waiting) context.markDirty(replica);
  }

  /** Visits each replica once at the most, and as few as do. */
  private evict(): void {
    const { tails, replicas } = this.context;
    for (let left = replicas.size; left > 0 && tails.bytes > this.keptBytes; left -= 1) {
      this.rest ??= replicas.entries();
      const next = this.rest.next();
      if (next.done === true) this.rest = undefined;
      else next.value[1].raft.state.log.evictDurable();
    }
  }
}
