/**
 * How the bytes that one shard may hold, `shardBytesMax`, are shared out. Each use has a share of
 * its own, so that none can keep the others from making progress: were calls to take what followers
 * need, the nodes of a cluster could wait for each other for ever.
 *
 *     1/4  calls of this node's engine, from its call to their answer (counted by the engine)
 *     1/8  calls that other nodes have forwarded to here, with their results so far, until all are
 *          there
 *     1/4  entries in memory, of leaders and of followers
 *     1/16 answers that the engine has not read
 *     1/16 answers to other nodes that wait for room on a connection
 *     1/4  frames that wait in the connections to other shards
 *
 * Each share lets in one thing more while it is not used up. Calls that wait in the engine for a
 * leader of their group are with no shard yet: those of all shards hold as much as the first share.
 */

/** Bytes that a call costs besides its commands or queries. */
export const callOverheadBytes = 64;

/** What a shard holds. */
export interface HeldBytes {
  readonly entries: number;
  readonly forwarded: number;
  /** Answers that the engine has not said to have read. */
  readonly unread: number;
  /** Answers to other nodes that wait for room on connections. */
  readonly waiting: number;
  /** The largest frame that it has received. */
  readonly frameBytesMax: number;
  /** The most that it has ever answered to one call, so far. */
  readonly answerBytesMax: number;
}

export interface ByteShares {
  readonly calls: number;
  readonly forwarded: number;
  readonly entries: number;
  readonly unread: number;
  readonly waiting: number;
  readonly lanes: number;
}

export function byteShares(shardBytesMax: number): ByteShares {
  const eighth = Math.ceil(shardBytesMax / 8);
  return {
    calls: 2 * eighth,
    forwarded: eighth,
    entries: 2 * eighth,
    unread: Math.ceil(eighth / 2),
    waiting: Math.ceil(eighth / 2),
    lanes: 2 * eighth,
  };
}
