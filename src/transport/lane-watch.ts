/**
 * Whether the other end of a connection still answers. TCP alone does not say: while bytes are not
 * acknowledged it repeats them in growing pauses for up to 15 minutes, and keep-alive waits for as
 * long; a path that swallows packets, or a peer that came back under another address, is "up" until
 * then.
 *
 *   heard in this turn ──► quiet: nothing to do
 *   not heard          ──► probe: ask; any answer counts as heard
 *   not heard in turnsMax turns ──► lost
 *
 * Turns are counted, and no time is measured: after a pause of this process one turn is due, and
 * what has arrived meanwhile is read before the next.
 */

/** Turns without a word after which a connection is given up. */
export const turnsMax = 4;

export class LaneWatch {
  private heardInTurn = true;
  private silentTurns = 0;

  heard(): void {
    this.heardInTurn = true;
  }

  /** There is a reason to doubt the connection: it has half the usual time to answer. */
  suspect(): void {
    this.heardInTurn = false;
    this.silentTurns = Math.max(this.silentTurns, turnsMax / 2 - 1);
  }

  /** One turn is over. */
  turn(): "quiet" | "probe" | "lost" {
    if (this.heardInTurn) {
      this.heardInTurn = false;
      this.silentTurns = 0;
      return "quiet";
    }
    this.silentTurns += 1;
    return this.silentTurns >= turnsMax ? "lost" : "probe";
  }
}
