/**
 * Every bound that is ours rather than the user's, with its reason. What a user may choose stands
 * in the option tables.
 */
export const limits = {
  /** A frame's body. Longer claims close the connection before memory is taken. */
  frameBytesMax: 16_777_216,
  /** Messages of groups in one frame: bounds the work between two turns of the event loop. */
  frameMessagesMax: 65_536,
  /** Blocks in one AppendEntries. */
  messageBlocksMax: 1_024,
  /** A command or query; leaves room in a frame for what surrounds it. */
  commandBytesMax: 8_388_608,
  /**
   * Mail between the engine and a shard is posted early once it holds this much, a record more at
   * the most: a burst must not become one buffer of gigabytes.
   */
  mailBytesMax: 4_194_304,
  /**
   * The answers to one call that asks for several, or one answer: what a frame takes with room for
   * what surrounds it, so that a call has the same bound on each node.
   */
  answerBytesMax: 16_711_680,
  /** CBOR nesting accepted from a peer; our own messages need 3. */
  cborDepthMax: 8,
  /** Nesting of a user's commands, queries, results and answers, for machines of plain data. */
  documentDepthMax: 64,
  /** Leaderships that a sign of life names as ended; who has missed more suspects them all. */
  endingsMax: 128,
  /** Parked groups of a shard that one tick wakes for a member that has returned, at the least. */
  wakesPerTick: 256,
  /**
   * Elections of a shard that one tick begins when a node is lost: each costs its voters a part of
   * a commit, and 10,000 at once would hold up the groups that have a leader.
   */
  electionsPerTick: 1_000,
  /** Members of a group, each half of a joint configuration. */
  membersMax: 64,
  /** Pauses, in ms, before a replica that failed is tried again: the first, and the longest. */
  failureRetryMinMs: 1_000,
  failureRetryMaxMs: 60_000,
  /** Failed replicas that one tick tries again: each may have a long log to apply. */
  failureRetriesMax: 32,
  /** Calls of an engine that wait until their group is led, to be forwarded then. */
  leaderlessMax: 65_536,
  /** Creations of groups that an engine has in flight at once; more wait for their turn. */
  creationsMax: 256,
  /** How long, in ms, a creation waits for the other members once a majority has started. */
  creationGraceMs: 1_000,
  /** Pause, in ms, before a member that lacks its replica is asked again to make it. */
  invitePauseMs: 1_000,
  /** Creations that were taken back and are remembered, so that a late request makes nothing. */
  withdrawnMax: 65_536,
  /** Nodes one shard can know (NodeKey). */
  nodesMax: 4_096,
  /** Shards of a node. */
  shardsMax: 256,
} as const;
