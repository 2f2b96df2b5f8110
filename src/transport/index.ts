/**
 * transport: frames from shard to shard over TCP. May use base and wire. It never looks into a message of a group.
 */
export type * from "./transport.ts";
