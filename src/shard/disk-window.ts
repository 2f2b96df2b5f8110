/**
 * Lets groups that need old entries advance side by side. A commit record holds entries of many
 * groups, and reading one entry reads its whole record: groups that go through the log together
 * read each record once, each for itself would read every record once a group.
 *
 *     positions that groups ask for:   41  42  42  43 | 57  90
 *                                      read these     | wait a turn
 *
 * The window begins at the lowest position that was asked for in the last turn.
 */

export class DiskWindow {
  private lowest: number | undefined;
  private lowestAsked: number | undefined;
  private span = 1;

  /**
   * A new turn: the window moves to the lowest position that was asked for in the last one.
   * @param span commit records that stay in memory once they have been read
   */
  turn(span: number): void {
    this.span = span;
    this.lowest = this.lowestAsked;
    this.lowestAsked = undefined;
  }

  /** Whether an entry at this position (see `LogStore.position`) may be read in this turn. */
  admits(position: number): boolean {
    if (this.lowestAsked === undefined || position < this.lowestAsked) this.lowestAsked = position;
    return position < (this.lowest ?? this.lowestAsked) + this.span;
  }
}
