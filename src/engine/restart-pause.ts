/** How long to wait before what has crashed again and again is started again. */
const restartMinMs = 100;
const restartMaxMs = 10_000;
/** What has been up for so long crashes anew, and not once more. */
const forgiveMs = 60_000;

export class RestartPause {
  private inRow = 0;

  /** It has crashed, after it had been up for so long. */
  crashed(upMs: number): void {
    if (upMs > forgiveMs) this.inRow = 0;
  }

  /** In ms; each pause is twice the one before. */
  takeMs(): number {
    const pauseMs = Math.min(restartMinMs * 2 ** this.inRow, restartMaxMs);
    this.inRow += 1;
    return pauseMs;
  }
}
