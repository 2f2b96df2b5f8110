/**
 * The groups that a lane had no room for take turns at it: once it has room again those go first
 * that were refused first, and a group that had its turn goes to the end. Otherwise the groups
 * whose acknowledgements come first would fill the lane each time, and starve the others.
 *
 *     refused ──► waiting ──the lane has room──► due ──asks again──► may send, or waits again
 */
import type { GroupId } from "../base/index.ts";

export class LaneTurns {
  private waiting: Set<GroupId> = new Set();
  private due: Set<GroupId> = new Set();
  /** Had their turn, and there was no room any more: they are the first in the next one. */
  private unserved: Set<GroupId> = new Set();

  /** Whether a group may send now: if there is room, and it is not the turn of others. */
  admits(group: GroupId, hasRoom: boolean): boolean {
    const { due, unserved, waiting } = this;
    if (due.delete(group)) {
      if (!hasRoom) unserved.add(group);
      return hasRoom;
    }
    if (hasRoom && due.size === 0 && unserved.size === 0 && waiting.size === 0) return true;
    if (!unserved.has(group)) waiting.add(group);
    return false;
  }

  /** The lane has room: these are asked for what they have to send, in this order. */
  call(): Iterable<GroupId> {
    // Who did not ask in its turn has nothing to send any more.
    this.due = new Set([...this.unserved, ...this.waiting]);
    this.unserved = new Set();
    this.waiting = new Set();
    return [...this.due];
  }

  /** Whether groups wait for the lane to have room. */
  get anyWaiting(): boolean {
    return this.waiting.size > 0 || this.unserved.size > 0;
  }

  /** Those that were called have been asked. */
  endTurn(): void {
    if (this.due.size > 0) this.due = new Set();
  }
}
