/** What the algorithm wants done, in the words of its caller's contract. */
import type { Index, NodeKey, Term } from "../base/index.ts";
import type { Block } from "./block.ts";
import type { Message } from "./message.ts";

export type RaftRole = "follower" | "preCandidate" | "candidate" | "leader";

/** Term and vote, as they must be on disk before anything that follows from them is said. */
export interface BallotChange {
  readonly term: Term;
  readonly vote: NodeKey;
}

/** Identifies what a Ready asked to persist; handed back by `Raft.persisted` when it is durable. */
export interface PersistMark {
  readonly lastIndex: Index;
  readonly lastTerm: Term;
  /** The replica's term when the Ready was taken. */
  readonly term: Term;
}

/** The read of this ticket may run once the state machine has applied `index`. */
export interface ConfirmedRead {
  readonly ticket: number;
  readonly index: Index;
}

export interface RoleChange {
  readonly role: RaftRole;
  readonly leader: NodeKey;
  readonly term: Term;
}

/**
 * One turn's work for one group. The caller, in this order: sends `messages`; writes `ballot`,
 * `commit` and `blocks` in one transaction with those of other groups; when that is durable, calls
 * `persisted(mark)` and sends `durableMessages`.
 */
export interface Ready {
  /** Leave at once. */
  readonly messages: readonly Message[];
  readonly ballot: BallotChange | undefined;
  readonly commit: Index;
  readonly blocks: readonly Block[];
  readonly mark: PersistMark;
  /** Whether there is anything that must be durable: `ballot` or `blocks`. */
  readonly mustPersist: boolean;
  /**
   * Promise that something is durable: leave after this and every earlier Ready of the group is.
   * May be to this replica itself.
   */
  readonly durableMessages: readonly Message[];
  readonly confirmedReads: readonly ConfirmedRead[];
  /** There is more to send right away: take another Ready in the next turn. */
  readonly backlog: boolean;
  /** Present where role, leader or term changed since the last Ready. */
  readonly roleChange: RoleChange | undefined;
}
