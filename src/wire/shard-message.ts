/**
 * Messages from shard to shard that are not the algorithm's. They share frames with those of
 * groups, so that a forwarded proposal costs no connection and no frame of its own.
 */
import type { GroupId, Incarnation, Index, Term } from "../base/index.ts";

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

/** The answer to a leader's or candidate's message for a group without a running replica here. */
export interface GroupUnknown {
  readonly kind: "groupUnknown";
  readonly group: GroupId;
  /** The incarnation that the unwanted message carried. */
  readonly incarnation: Incarnation;
  /** There is a replica, which is stopped, failed or disabled. */
  readonly present: boolean;
}

/** A leadership that has ended. */
export interface Ending {
  readonly group: GroupId;
  readonly term: Term;
}

/**
 * "My loop runs and my disk answers": vouches for every parked group that two shards share, but for
 * those whose leadership it says to have ended. Sent as often as a leader sends heartbeats, on
 * every link.
 */
export interface ShardAlive {
  readonly kind: "shardAlive";
  /** Drawn when the shard opens: with another one, all its leaderships of before have ended. */
  readonly life: number;
  /** The sender has heard the receiver within an election timeout. */
  readonly hears: boolean;
  /** How many leaderships of the sender have ended in this life. */
  readonly ended: number;
  /** The newest of them, oldest first; who has missed more of them suspects every one. */
  readonly endings: readonly Ending[];
}

/** "I am about to close": the sender gives its leaderships away, and must not be given any. */
export interface ShardClosing {
  readonly kind: "shardClosing";
}

/** What concerns a group, and goes to the shard that holds it. */
export type GroupMessage = ShardRequest | ShardResponse | GroupUnknown;
export type ShardMessage = GroupMessage | ShardAlive | ShardClosing;
