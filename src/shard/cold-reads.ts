/**
 * What one round reads of entries that are only on disk, for followers that are far behind: of the
 * groups that stand side by side in the log (see `DiskWindow`), and for a bounded time.
 */
import { DiskWindow } from "./disk-window.ts";

/**
 * Half of the time since the round before began, reads included, so that catching up takes up to
 * half of a busy shard, within these bounds in ms: a follower that is far behind in many groups
 * must neither hold up all others while a cold disk seeks, nor wait for ever behind them.
 */
const roundMs = { min: 5, max: 50 } as const;

export class ColdReads {
  private readonly window: DiskWindow = new DiskWindow();
  /** How long this round may read, and until when; 0 before its first read. */
  private budgetMs: number = roundMs.min;
  private untilMs = 0;
  private lastTurnMs = 0;

  /** A new round. `nowMs` is of the monotonic clock; for `span` see `LogStore.readSpan`. */
  turn(nowMs: number, span: number): void {
    const share = (nowMs - this.lastTurnMs) / 2;
    this.budgetMs = Math.min(Math.max(share, roundMs.min), roundMs.max);
    this.lastTurnMs = nowMs;
    this.untilMs = 0;
    this.window.turn(span);
  }

  /** Whether an entry at this position of the store may be read now. */
  admits(position: number, nowMs: number): boolean {
    if (this.untilMs === 0) this.untilMs = nowMs + this.budgetMs;
    return this.window.admits(position) && nowMs < this.untilMs;
  }
}
