/**
 * Which shards of other nodes live. Each tells every shard that it is linked to, once a heartbeat,
 * that its loop runs and its disk answers; one word for all the groups that two shards share.
 * Parked replicas rest on it: see raft/parking.ts.
 */
import { none } from "../base/index.ts";
import type { NodeId, ShardId } from "../base/index.ts";
import type { Ending, ShardAlive } from "../wire/index.ts";

export interface ShardName {
  readonly node: NodeId;
  readonly shard: ShardId;
}

/** What a sign of life says that those before it did not. */
export interface News {
  /**
   * returned: it was not alive until now. restarted: all its leaderships have ended. changed: see
   * the rest.
   */
  readonly kind: "returned" | "restarted" | "changed";
  /** Leaderships that have ended since the last sign, as far as they are named. */
  readonly endings: readonly Ending[];
  /** More have ended than are named. */
  readonly missed: boolean;
}

/** A shard that lives, or did. */
export interface Voucher extends ShardName {
  /** When it was last heard, in ms of the monotonic clock. */
  readonly heardMs: number;
}

interface Heard extends Voucher {
  life: number;
  ended: number;
  /** It hears this shard, too: only then it vouches for groups that are parked here. */
  hears: boolean;
  /** Ticks since it was heard. */
  silentTicks: number;
  heardMs: number;
}

export class Liveness {
  private readonly silenceTicksMax: number;
  private readonly heard: Map<NodeId, (Heard | undefined)[]> = new Map();

  /** @param silenceTicksMax ticks without a word after which a shard no longer counts as alive */
  constructor(silenceTicksMax: number) {
    this.silenceTicksMax = silenceTicksMax;
  }

  /**
   * Returns what is new, if anything is. Whoever rested on the shard until now rested on the sign
   * before: only after `vouch` this one counts.
   */
  hear({ node, shard }: ShardName, sign: ShardAlive, nowMs: number): News | undefined {
    const { life, hears, ended, endings } = sign;
    const known = this.find(node, shard);
    if (known === undefined) {
      this.add({ node, shard, life, ended, hears, silentTicks: 0, heardMs: nowMs });
      return { kind: "returned", endings: none, missed: false };
    }
    const restarted = life !== known.life;
    // A connection that was lost may be read after the one that took its place.
    if (!restarted && ended < known.ended) return undefined;
    known.silentTicks = 0;
    const since = ended - known.ended;
    const deafened = known.hears && !hears;
    Object.assign(known, { life, ended, hears });
    if (restarted) return { kind: "restarted", endings: none, missed: false };
    if (since === 0 && !deafened) return undefined;
    return {
      kind: "changed",
      endings: since === 0 ? none : endings.slice(-since),
      missed: since > endings.length,
    };
  }

  vouch({ node, shard }: ShardName, nowMs: number): void {
    const heard = this.find(node, shard);
    if (heard !== undefined) heard.heardMs = nowMs;
  }

  isAlive(node: NodeId, shard: ShardId): boolean {
    return this.find(node, shard) !== undefined;
  }

  /** The shard, if it vouches for its parked groups that are followed here. */
  voucher(node: NodeId, shard: ShardId): Voucher | undefined {
    const heard = this.find(node, shard);
    return heard?.hears === true ? heard : undefined;
  }

  /** One tick; returns those that have just fallen silent. */
  tick(): readonly ShardName[] {
    const silent: Heard[] = [];
    for (const shards of this.heard.values()) {
      for (const [shard, heard] of shards.entries()) {
        if (heard === undefined) continue;
        heard.silentTicks += 1;
        if (heard.silentTicks < this.silenceTicksMax) continue;
        shards[shard] = undefined;
        silent.push(heard);
      }
    }
    return silent;
  }

  private find(node: NodeId, shard: ShardId): Heard | undefined {
    return this.heard.get(node)?.[shard];
  }

  private add(heard: Heard): void {
    const shards = this.heard.get(heard.node) ?? [];
    this.heard.set(heard.node, shards);
    shards[heard.shard] = heard;
  }
}
