/**
 * The ids of the engine. Plain aliases: they document, and callers may pass literals; the doors of
 * the engine check them.
 */
import { describeValue } from "./describe-value.ts";

/**
 * A process that hosts replicas. 1 to 64 characters of `[A-Za-z0-9._-]`, unique in its cluster,
 * kept for life.
 */
export type NodeId = string;
/** A Raft group, an unsigned 32-bit integer chosen by the embedder. */
export type GroupId = number;
/** A worker thread of one node, counted from 0. */
export type ShardId = number;
/** A Raft term (thesis §3.3). A safe integer; 0 is before the first election. */
export type Term = number;
/** A position in a group's log. A safe integer; the first entry has index 1. */
export type Index = number;
/**
 * A NodeId as a shard handles it: a small integer that the shard gives to each NodeId the first
 * time it sees it. It is never stored and never sent, since another shard numbers the same nodes
 * differently.
 */
export type NodeKey = number;
/**
 * A random 48-bit number given to a replica when it is created. A replica that lost its disk cannot
 * speak under its old one, so what it forgot (a vote, an acknowledged entry) cannot be contradicted
 * in its name.
 */
export type Incarnation = number;

/**
 * Stands for "no node" wherever a NodeKey is expected: no vote cast, no leader known. Real keys
 * start at 1.
 */
export const nobody: NodeKey = 0;

export const groupIdMax = 0xffff_ffff;

const nodeIdPattern = /^[A-Za-z0-9._-]{1,64}$/;

export function isGroupId(value: unknown): value is GroupId {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= groupIdMax;
}

export function isNodeId(value: unknown): value is NodeId {
  return typeof value === "string" && nodeIdPattern.test(value);
}

/** Says what is wrong with a node id, or undefined where nothing is. */
export function describeNodeIdFault(value: unknown): string | undefined {
  return isNodeId(value)
    ? undefined
    : `must be 1 to 64 characters of [A-Za-z0-9._-], got ${describeValue(value)}`;
}
