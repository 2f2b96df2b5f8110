/**
 * Which shards of other nodes live. Each tells every shard that it is linked to, once a heartbeat,
 * that its loop runs and its disk answers; one word for all the groups that two shards share.
 * Parked replicas rest on it: see raft/parking.ts.
 */
import type { NodeId, ShardId } from "../base/index.ts";

interface Heard {
  readonly node: NodeId;
  readonly shard: ShardId;
  /** Ticks since it was heard. */
  silentTicks: number;
}

export class Liveness {
  private readonly silenceTicksMax: number;
  private readonly heard: Map<string, Heard> = new Map();

  /** @param silenceTicksMax ticks without a word after which a shard no longer counts as alive */
  constructor(silenceTicksMax: number) {
    this.silenceTicksMax = silenceTicksMax;
  }

  hear({ node, shard }: { readonly node: NodeId; readonly shard: ShardId }): void {
    const key = keyOf(node, shard);
    const known = this.heard.get(key);
    if (known === undefined) this.heard.set(key, { node, shard, silentTicks: 0 });
    else known.silentTicks = 0;
  }

  isAlive(node: NodeId, shard: ShardId): boolean {
    return this.heard.has(keyOf(node, shard));
  }

  /** One tick; returns those that have just fallen silent. */
  tick(): { readonly node: NodeId; readonly shard: ShardId }[] {
    const silent: Heard[] = [];
    for (const [key, heard] of this.heard) {
      heard.silentTicks += 1;
      if (heard.silentTicks < this.silenceTicksMax) continue;
      this.heard.delete(key);
      silent.push(heard);
    }
    return silent;
  }
}

function keyOf(node: NodeId, shard: ShardId): string {
  return `${node} ${shard}`;
}
