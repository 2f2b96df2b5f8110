/**
 * log: where a shard's replicas keep entries, terms and votes. May use base, raft and wire. It never knows of sockets or of
 * what the entries mean.
 */
export type * from "./log-store.ts";
