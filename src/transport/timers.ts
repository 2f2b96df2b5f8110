/**
 * Delays, as the transport takes them: injected, so that a test can hold them and a simulator can
 * own them.
 */

export type Cancel = () => void;

export interface Timers {
  /**
   * Runs `task` once after `delayMs`, unless cancelled. Must not hold the process open by itself.
   */
  after(delayMs: number, task: () => void): Cancel;
}

export const realTimers: Timers = {
  after(delayMs: number, task: () => void): Cancel {
    const timeout = setTimeout(task, delayMs);
    // An open socket holds the process; the wait for the next try must not.
    timeout.unref();
    return () => clearTimeout(timeout);
  },
};
