/**
 * The numbers of the messages on the wire. Sent; never renumber, never reuse. 1 to 15 are messages
 * of the algorithm, from 16 on messages between shards. `PROTOCOL.md` has the same table, and a
 * test keeps both equal.
 */
export const messageType = {
  preVoteRequest: 1,
  preVoteResponse: 2,
  voteRequest: 3,
  voteResponse: 4,
  appendRequest: 5,
  appendResponse: 6,
  heartbeatRequest: 7,
  heartbeatResponse: 8,
  commitNotice: 9,
  parkRequest: 10,
  parkResponse: 11,
  timeoutNow: 12,
  shardRequest: 16,
  shardResponse: 17,
  groupUnknown: 18,
  shardAlive: 19,
  shardClosing: 20,
} as const;
