/**
 * Replicas that cannot run at the moment: a state machine that could not be created, a log that
 * could not be read. Neither says anything about what their disk holds, so nothing of it is
 * written: each is tried again after a pause that grows while it goes on failing. One that is held,
 * since it has ended its shard's thread, is not among them: see recovery.ts.
 */
import { limits } from "../base/index.ts";
import type { GroupId } from "../base/index.ts";

/** Why a replica does not run, though it should. */
export interface Failure {
  readonly reason: string;
  /** When it is tried again, in ms of the monotonic clock; infinite: not by itself. */
  readonly retryAtMs: number;
  /** It has never run: its algorithm is as it was recovered. */
  readonly pristine: boolean;
}

interface Attempts {
  inRow: number;
  lastMs: number;
}

export class Failures {
  private readonly attempts: Map<GroupId, Attempts> = new Map();
  /** Groups that wait for their next try, with its moment. */
  private readonly waiting: Map<GroupId, number> = new Map();

  /** Notes that a replica has failed, and says when it is tried again. */
  note(group: GroupId, nowMs: number): number {
    const { failureRetryMinMs, failureRetryMaxMs } = limits;
    const before = this.attempts.get(group);
    const fresh = before === undefined || nowMs - before.lastMs > 2 * failureRetryMaxMs;
    const inRow = fresh ? 0 : before.inRow + 1;
    this.attempts.set(group, { inRow, lastMs: nowMs });
    const pauseMs = Math.min(failureRetryMinMs * 2 ** inRow, failureRetryMaxMs);
    this.waiting.set(group, nowMs + pauseMs);
    return nowMs + pauseMs;
  }

  /** Groups whose moment has come; only some at once, since each may replay a long log. */
  takeDue(nowMs: number): GroupId[] {
    const due: GroupId[] = [];
    for (const [group, atMs] of this.waiting) {
      if (atMs > nowMs) continue;
      this.waiting.delete(group);
      due.push(group);
      if (due.length === limits.failureRetriesMax) break;
    }
    return due;
  }

  get anyWaiting(): boolean {
    return this.waiting.size > 0;
  }

  /** An operator has decided otherwise, or the replica is gone. */
  forget(group: GroupId): void {
    this.waiting.delete(group);
    this.attempts.delete(group);
  }
}
