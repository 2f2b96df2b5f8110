/**
 * The tuning options as an editor shows them. Made from the option tables:
 * `npm test -- --rewrite --only tidy` writes this file anew.
 */
export interface TuningOptions {
  /**
   * Worker threads, each with its own log and loop; 0 takes as many as the data directory has, and
   * for a new one as many as cores but one. Fixed for the life of a data directory. From 0 to 256
   * threads.
   * @default 0
   */
  readonly shards?: number | undefined;
  /**
   * Each shard listens on a port of its own, which is faster; or the node has one port, on which a
   * thread of its own accepts all connections and passes them on to the shards.
   * @default "each"
   */
  readonly ports?: "each" | "one" | undefined;
  /**
   * Strict acknowledges a commit after its own two flushes (in segments one, and pipelined is the
   * same there); pipelined after the next commit's flush (one a commit under load, as safe); none
   * never flushes and may lose or corrupt everything on a power failure.
   * @default "strict"
   */
  readonly durability?: "strict" | "pipelined" | "none" | undefined;
  /**
   * What keeps each shard's log: an LMDB file, written on the shard's thread until its disk stalls,
   * or preallocated segment files, written on others with one flush a commit; fixed for the life of
   * a data directory.
   * @default "lmdb"
   */
  readonly store?: "lmdb" | "segments" | undefined;
  /**
   * Size of the segments to make if store is segments; one more is filled with zeros in advance
   * when the last is half full. From 65,536 to 1,073,741,824 bytes.
   * @default 16777216
   */
  readonly segmentBytes?: number | undefined;
  /**
   * Deadline of a call that names none, except createGroup (5,000), health (1,000) and close
   * (30,000); afterwards the outcome of a write is unknown. From 1 to 86,400,000 ms.
   * @default 10000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Deadline of Engine.open, which reads the whole log: shards that are not open by then go on
   * opening in the background, and if none is open it fails with ERR_TIMEOUT. From 1 to 86,400,000
   * ms.
   * @default 300000
   */
  readonly openTimeoutMs?: number | undefined;
  /**
   * Calls of one shard that wait for their answers; beyond it proposals and reads are refused with
   * ERR_BUSY. From 1 to 1,048,576 calls.
   * @default 65536
   */
  readonly callsMax?: number | undefined;
  /**
   * Heap of each shard's worker for short-lived objects; what waits for a flush is alive, and a
   * small heap copies it again and again. From 16 to 4,096 MiB.
   * @default 128
   */
  readonly youngHeapMb?: number | undefined;
  /**
   * How far each shard's log in LMDB may grow, and the address space that it takes; the last
   * eighth, at most 64 MiB, is kept for elections, and there entries are refused with
   * ERR_STORE_FULL. From 16,777,216 to 17,592,186,044,416 bytes.
   * @default 68719476736
   */
  readonly mapBytes?: number | undefined;
  /**
   * Memory that tells where entries lie, 24 bytes for each group in each commit of a shard; bounded
   * like mapBytes. From 1,048,576 to 68,719,476,736 bytes.
   * @default 2147483648
   */
  readonly indexBytesMax?: number | undefined;
  /**
   * Size that a new shard's log file in LMDB starts with; commits into a growing file take up to
   * twice as long. From 0 to 17,179,869,184 bytes.
   * @default 16777216
   */
  readonly preallocateBytes?: number | undefined;
  /**
   * Length of a tick, the unit of electionTicks and heartbeatTicks; short ticks cost CPU for each
   * group. From 1 to 60,000 ms.
   * @default 100
   */
  readonly tickMs?: number | undefined;
  /**
   * Proposals of one group laid into one block, a command more at the most; bounds how long one
   * group holds up the others. From 1 to 4,194,304 bytes.
   * @default 262144
   */
  readonly blockBytesMax?: number | undefined;
  /**
   * One command or query; a larger one is refused with ERR_ENTRY_TOO_LARGE. From 1 to 8,388,608
   * bytes.
   * @default 1048576
   */
  readonly commandBytesMax?: number | undefined;
  /**
   * Proposals of one group that wait for a block; beyond it they are refused with ERR_BUSY. From 1
   * to 1,073,741,824 bytes.
   * @default 16777216
   */
  readonly openBytesMax?: number | undefined;
  /**
   * Entries applied in one round before messages are looked at again; a slice also ends after about
   * 10 ms, looked at every 32 entries or, of a slow state machine, with each; one entry is never
   * interrupted. From 1 to 1,073,741,824 bytes.
   * @default 4194304
   */
  readonly applyBytesMax?: number | undefined;
  /**
   * Memory that one shard holds for calls, entries, answers and connections, whatever the number of
   * groups: a quarter for this node's calls, an eighth for calls forwarded to it, a quarter for
   * entries, an eighth for answers, a quarter for connections; beyond it calls are refused with
   * ERR_BUSY, and entries of other nodes are not read. From 16,384 to 68,719,476,736 bytes.
   * @default 268435456
   */
  readonly shardBytesMax?: number | undefined;
  /**
   * Entries of all groups written in one round, a block more at the most, while other groups wait
   * for the next one; about what the disk takes in between two heartbeats, since a longer write
   * delays those. From 1,024 to 268,435,456 bytes.
   * @default 8388608
   */
  readonly roundBytesMax?: number | undefined;
  /**
   * Bytes queued on one connection beyond which no entries are sent there until it has drained;
   * bounds the memory that a slow node costs. All connections of a shard share a quarter of
   * shardBytesMax, which may be less. From 16,777,216 to 1,073,741,824 bytes.
   * @default 16777216
   */
  readonly laneBytesMax?: number | undefined;
  /**
   * Calls that one shard has forwarded to other nodes, or they to it, and that wait for their
   * answers; beyond it they are refused. An eighth as many requests to create replicas are in
   * flight to one other shard, and more wait for their turn. From 1 to 1,048,576 requests.
   * @default 65536
   */
  readonly requestsMax?: number | undefined;
  /**
   * An exception of the state machine is the command's result, or disables the replica; must be the
   * same on every node.
   * @default "result"
   */
  readonly applyError?: "result" | "disable" | undefined;
  /**
   * Silence of a leader before a follower campaigns, drawn anew from one to two times this; too
   * small elects on every pause, too large leaves a group without a leader for long. From 2 to
   * 10,000 ticks.
   * @default 10
   */
  readonly electionTicks?: number | undefined;
  /**
   * Interval of heartbeats to a follower that accepts no entries meanwhile; must be below
   * electionTicks. From 1 to 1,000 ticks.
   * @default 2
   */
  readonly heartbeatTicks?: number | undefined;
  /**
   * Time without work after which a group parks and sends nothing until it is called again; 0 keeps
   * every group awake. From 0 to 1,000,000 ticks.
   * @default 2
   */
  readonly parkTicks?: number | undefined;
  /**
   * AppendEntries of one group in flight to one follower; 1 waits for each answer. From 1 to 65,536
   * messages.
   * @default 64
   */
  readonly inflightMessagesMax?: number | undefined;
  /**
   * The same window in bytes of entries; bounds what a slow follower holds in memory and sockets.
   * From 1 to 1,073,741,824 bytes.
   * @default 4194304
   */
  readonly inflightBytesMax?: number | undefined;
  /**
   * Entries in one AppendEntries, a block more at the most; small ones let other groups pass in
   * between. From 1 to 4,194,304 bytes.
   * @default 262144
   */
  readonly appendBytesMax?: number | undefined;
  /**
   * Entries that a leader takes in before it knows that they are committed; beyond it proposals
   * wait. From 1 to 1,073,741,824 bytes.
   * @default 16777216
   */
  readonly uncommittedBytesMax?: number | undefined;
  /**
   * Newest entries of a group kept in memory for followers and apply; older ones are read back from
   * disk. From 0 to 1,073,741,824 bytes.
   * @default 1048576
   */
  readonly tailBytesMax?: number | undefined;
}
