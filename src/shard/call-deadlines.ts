/**
 * Until when the engine's calls may have an effect, by call: numbers in one array, since a call
 * must not cost an object. A call that is over is dropped as long as it is not in the log: its
 * caller has given up, and it must not be replicated for nothing.
 */
const canceled = -1;

export class CallDeadlines {
  private byCall: Float64Array = new Float64Array(1_024);

  set(call: number, deadlineMs: number): void {
    if (call >= this.byCall.length) {
      const grown = new Float64Array(2 ** Math.ceil(Math.log2(call + 1)));
      grown.set(this.byCall);
      this.byCall = grown;
    }
    this.byCall[call] = deadlineMs;
  }

  /** The caller has given up. */
  cancel(call: number): void {
    this.set(call, canceled);
  }

  isOver(call: number, nowMs: number): boolean {
    return (this.byCall[call] ?? Number.POSITIVE_INFINITY) <= nowMs;
  }

  isCanceled(call: number): boolean {
    return this.byCall[call] === canceled;
  }
}
