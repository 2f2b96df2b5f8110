/**
 * What a leader knows of one member's log, and how it sends to it:
 *
 *              accepted                          rejected, or the connection was lost
 *    probe ───────────────► replicate      replicate ─────────────────────────────► probe
 *      one message at a time   a window of messages, sent optimistically
 *
 * `snapshot` is for a follower that needs entries the log no longer has.
 */
import { assert } from "../../base/index.ts";
import type { Index, NodeKey } from "../../base/index.ts";
import type { Inflights } from "./inflights.ts";

export type ProgressState = "probe" | "replicate" | "snapshot";

const longAgo = -(2 ** 30);

export class Progress {
  readonly member: NodeKey;
  /**
   * The member's log is known to equal the leader's up to here, durably. Never falls within a term.
   */
  match: Index;
  /** The first entry to send next. Invariant: match < next. */
  next: Index;
  state: ProgressState = "probe";
  /** In `probe`: the one message is in flight; a heartbeat's response allows another. */
  probeSent = false;
  /**
   * The commit index that the member is known to have been told; falls back to 0 where a message
   * may have been lost.
   */
  commitSent: Index = 0;
  /** The newest read round that the member has confirmed (thesis §6.4). */
  readRound = 0;
  /** Anything was heard since the last check of the quorum (thesis §6.2). */
  recentlyActive = false;
  /** Has answered the newest request to park, and did. */
  parked = false;
  /** Was silent, or not running, when its group was last asked to park: it need not answer. */
  absent = false;
  /** Send an AppendRequest even if it is empty: its answer shows what was lost. */
  nudge = false;
  /**
   * `match` at the last heartbeat response; if it has not moved while entries wait, a message was
   * lost.
   */
  matchAtHeartbeat: Index = -1;
  /** The leader's tick in which entries or a heartbeat were last sent. */
  sentTick: number = longAgo;
  /** The leader's tick in which the member last accepted entries. */
  acceptedTick: number = longAgo;
  readonly inflights: Inflights;

  constructor(member: NodeKey, next: Index, match: Index, inflights: Inflights) {
    assert(match < next, "match < next");
    this.member = member;
    this.next = next;
    this.match = match;
    this.inflights = inflights;
  }

  becomeProbe(): void {
    this.state = "probe";
    this.next = this.match + 1;
    this.probeSent = false;
    this.commitSent = 0;
    this.inflights.reset();
  }

  becomeReplicate(): void {
    this.state = "replicate";
    this.next = this.match + 1;
    this.probeSent = false;
    this.inflights.reset();
  }

  /** The member needs entries before the log's first: nothing can be sent but heartbeats. */
  becomeSnapshot(): void {
    this.state = "snapshot";
    this.probeSent = false;
    this.inflights.reset();
  }

  /** Whether entries must not be sent now. */
  get paused(): boolean {
    switch (this.state) {
      case "probe":
        return this.probeSent;
      case "replicate":
        return this.inflights.full;
      case "snapshot":
        return true;
    }
  }

  /** Takes an acceptance up to `index`; returns whether it said anything new. */
  maybeUpdate(index: Index): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    return true;
  }

  /**
   * Takes the rejection of the message that followed entry `rejected`; `hint` is the last entry
   * that may match. Returns false where the rejection is stale: reordered, or of a message from
   * before an acceptance.
   */
  maybeDecrease(rejected: Index, hint: Index): boolean {
    if (this.state === "replicate") {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
      return true;
    }
    if (this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.probeSent = false;
    return true;
  }

  /** An AppendRequest that ends at `last` was handed to the transport. */
  sent(last: Index, bytes: number): void {
    if (this.state === "replicate") {
      if (last >= this.next) {
        this.next = last + 1;
        this.inflights.add(last, bytes);
      }
    } else if (this.state === "probe") {
      this.probeSent = true;
    }
  }
}
