/**
 * wire: bytes in, bytes out: frames, CBOR, and the messages of shards as both. May use base and raft. It never does I/O.
 */
export {};
