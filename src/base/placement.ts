import type { GroupId, ShardId } from "./ids.ts";

/**
 * The shard of a node that holds a group. Both ends of a link compute it, each with the shard count
 * of the other, so that shards talk to shards without a directory of groups. Part of the protocol:
 * it never changes.
 */
export function shardOfGroup(group: GroupId, shards: number): ShardId {
  // Fibonacci hashing, so that ids that share a stride (multiples of the shard count) still spread.
  return (Math.imul(group, 0x9e3779b1) >>> 16) % shards;
}
