/** What the engine's calls take and give, besides the types that shards share with it. */
import { RaftError, assert } from "../base/index.ts";
import type { GroupId, Index, NodeId } from "../base/index.ts";

export interface CreateGroupOptions {
  /** The group's id, 0 to 4,294,967,295. */
  readonly group: GroupId;
  /** The nodes that hold a replica; this node must be one of them. 1 to 64. */
  readonly members: readonly NodeId[];
  /**
   * How long to wait for the members, in ms; for a second at most once a majority runs the group.
   * @default 5,000
   */
  readonly timeoutMs?: number | undefined;
  /** Whether this node campaigns as soon as the group exists. @default true */
  readonly campaign?: boolean | undefined;
}

/** Result of a linearizable read. */
export interface ReadResult {
  /** What the state machine answered. */
  readonly value: Uint8Array;
  /** Everything up to here was applied when it answered. */
  readonly index: Index;
}

/** Result of a linearizable read of several queries. */
export interface ReadBatchResult {
  /** What the state machine answered, query by query; an error where it threw. */
  readonly values: readonly (Uint8Array | RaftError)[];
  /** Everything up to here, and nothing else, was applied when it answered. */
  readonly index: Index;
}

/** Result of a local read: perhaps stale, and by how much. */
export interface LocalReadResult {
  readonly value: Uint8Array;
  /** Everything up to here was applied. */
  readonly appliedIndex: Index;
  /**
   * ms since this replica last heard from a leader, or from the leader's shard while the group is
   * parked; 0 if this replica believes it is the leader, Infinity if it has heard none since it
   * started.
   */
  readonly ageMs: number;
}

export interface StateDigest {
  /** The state machine's `digest()`; undefined where it has none. */
  readonly digest: string | undefined;
  readonly appliedIndex: Index;
}

/** The answer to the one query of a read. @throws what stands in its place */
export function answerOf([answer]: readonly (Uint8Array | RaftError)[]): Uint8Array {
  assert(answer !== undefined, "a query has an answer");
  if (answer instanceof RaftError) throw answer;
  return answer;
}
