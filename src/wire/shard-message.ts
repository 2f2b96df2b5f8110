/**
 * Messages from shard to shard that are not the algorithm's. They share frames with those of
 * groups, so that a forwarded proposal costs no connection and no frame of its own.
 */
import type { GroupId, Incarnation, Index } from "../base/index.ts";

/** Asks the shard that holds `group` to do something: propose, read, create, remove. */
export interface ShardRequest {
  readonly kind: "shardRequest";
  /** The sender's number for this request; repeated in the response. */
  readonly id: number;
  readonly group: GroupId;
  /** What to do; the shard layer numbers the operations. */
  readonly op: number;
  /** How long the sender will wait. A span and not a time of day, since clocks differ. */
  readonly timeoutMs: number;
  readonly payload: Uint8Array;
}

export interface ShardResponse {
  readonly kind: "shardResponse";
  readonly id: number;
  readonly group: GroupId;
  /** The payload is then an error. */
  readonly failed: boolean;
  /** Where the proposal was applied or the read was served; 0 where that means nothing. */
  readonly index: Index;
  readonly payload: Uint8Array;
}

/**
 * "I have no replica of this group under this incarnation": the answer to a message of a group that
 * does not exist here.
 */
export interface GroupUnknown {
  readonly kind: "groupUnknown";
  readonly group: GroupId;
  /** The incarnation that the unwanted message carried. */
  readonly incarnation: Incarnation;
}

/**
 * "My loop runs and my disk answers": vouches for every parked group that two shards share. Sent
 * as often as a leader sends heartbeats, on every link.
 */
export interface ShardAlive {
  readonly kind: "shardAlive";
}

/** What concerns a group, and goes to the shard that holds it. */
export type GroupMessage = ShardRequest | ShardResponse | GroupUnknown;
export type ShardMessage = GroupMessage | ShardAlive;
