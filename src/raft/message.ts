/**
 * The messages of the algorithm, one type each. `from` and `to` are NodeKeys: the shard translates
 * at its borders. What leaves only after the replica's state is durable is decided by who pushes
 * it: see `Ready`.
 */
import type { Index, NodeKey, Term } from "../base/index.ts";
import type { Block } from "./block.ts";

interface Envelope {
  readonly from: NodeKey;
  readonly to: NodeKey;
  /** The sender's term, but for pre-vote requests: there the term it would campaign in. */
  readonly term: Term;
}

/** "Would you vote for me?" Changes no state at its receiver (thesis §9.6). */
export interface PreVoteRequest extends Envelope {
  readonly kind: "preVoteRequest";
  readonly lastIndex: Index;
  readonly lastTerm: Term;
}
/** Granted: `term` is the term asked for. Refused: `term` is the voter's own. */
export interface PreVoteResponse extends Envelope {
  readonly kind: "preVoteResponse";
  readonly granted: boolean;
}
/** RequestVote (thesis §3.4). */
export interface VoteRequest extends Envelope {
  readonly kind: "voteRequest";
  readonly lastIndex: Index;
  readonly lastTerm: Term;
  /**
   * Set in a leadership transfer: the voter must not hold on to its present leader (thesis §3.10).
   */
  readonly force: boolean;
}
export interface VoteResponse extends Envelope {
  readonly kind: "voteResponse";
  readonly granted: boolean;
}
/**
 * AppendEntries (thesis §3.5). The first block starts at `prevIndex + 1`, each next where the one
 * before ends.
 */
export interface AppendRequest extends Envelope {
  readonly kind: "appendRequest";
  readonly prevIndex: Index;
  readonly prevTerm: Term;
  readonly commit: Index;
  readonly blocks: readonly Block[];
}
/**
 * Accepted: the sender's log equals the leader's up to `index`, durably. Rejected: it has no entry
 * (prevIndex, prevTerm); `index` repeats prevIndex, and (hintIndex, hintTerm) is the last entry
 * below it that may match.
 */
export interface AppendResponse extends Envelope {
  readonly kind: "appendResponse";
  readonly index: Index;
  readonly rejected: boolean;
  readonly hintIndex: Index;
  readonly hintTerm: Term;
}
/**
 * Keeps followers from campaigning, carries the commit index, and asks "am I still your leader?"
 * for reads.
 */
export interface HeartbeatRequest extends Envelope {
  readonly kind: "heartbeatRequest";
  /** Never beyond what the receiver is known to hold. */
  readonly commit: Index;
  /** The term of that entry, by which the receiver sees that its log still agrees there. */
  readonly commitTerm: Term;
  /**
   * The newest read round (thesis §6.4); a fresh number for each attempt, 0 where no read waits.
   */
  readonly readRound: number;
}
export interface HeartbeatResponse extends Envelope {
  readonly kind: "heartbeatResponse";
  readonly readRound: number;
}
/**
 * Tells a follower the new commit index when no entries are due that could carry it. It has no
 * response.
 */
export interface CommitNotice extends Envelope {
  readonly kind: "commitNotice";
  readonly commit: Index;
  /** As in a heartbeat. */
  readonly commitTerm: Term;
}

/**
 * Sent instead of a heartbeat: the group is idle, so the follower should stop expecting heartbeats.
 * Everything up to `index`, where both logs end, is committed.
 */
export interface ParkRequest extends Envelope {
  readonly kind: "parkRequest";
  readonly index: Index;
  /** The term of that entry, as `commitTerm` in a heartbeat. */
  readonly indexTerm: Term;
}
export interface ParkResponse extends Envelope {
  readonly kind: "parkResponse";
  /** Repeated from the request. */
  readonly index: Index;
  /** Whether it has parked. */
  readonly parked: boolean;
}

/** Asks a follower to campaign at once: the leader hands over to it (thesis §3.10). */
export interface TimeoutNow extends Envelope {
  readonly kind: "timeoutNow";
  /** The end of the leader's log, which the receiver has acknowledged. */
  readonly index: Index;
}

export type Message =
  | PreVoteRequest
  | PreVoteResponse
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | HeartbeatRequest
  | HeartbeatResponse
  | CommitNotice
  | ParkRequest
  | ParkResponse
  | TimeoutNow;
export type MessageKind = Message["kind"];
