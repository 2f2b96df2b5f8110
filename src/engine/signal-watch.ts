import { RaftError } from "../base/index.ts";
import type { Outcome } from "../base/index.ts";
import type { CallKind } from "./call-effects.ts";

/**
 * Waits for AbortSignals. One listener a signal, however many calls share it: a signal warns of a
 * leak from the eleventh listener on, and a service passes one signal to all its calls.
 */
export class SignalWatch {
  private readonly waiting: Map<AbortSignal, Waiting> = new Map();

  /** Calls `onAbort` once if the signal fires; the result takes it off the list. */
  watch(signal: AbortSignal, onAbort: () => void): () => void {
    let waiting = this.waiting.get(signal);
    if (waiting === undefined) {
      const calls = new Set<() => void>();
      const listener = (): void => {
        this.waiting.delete(signal);
        for (const call of calls) call();
      };
      waiting = { calls, listener };
      this.waiting.set(signal, waiting);
      signal.addEventListener("abort", listener, { once: true });
    }
    const { calls, listener } = waiting;
    calls.add(onAbort);
    return () => {
      calls.delete(onAbort);
      if (calls.size > 0 || this.waiting.get(signal)?.calls !== calls) return;
      this.waiting.delete(signal);
      signal.removeEventListener("abort", listener);
    };
  }

  /** Signals that somebody waits for. */
  get size(): number {
    return this.waiting.size;
  }
}

interface Waiting {
  readonly calls: Set<() => void>;
  readonly listener: () => void;
}

/** What a call is told whose signal has fired. */
export function aborted(what: CallKind, signal: AbortSignal, outcome: Outcome): RaftError {
  const cause: unknown = signal.reason;
  return new RaftError("ERR_ABORTED", `The ${what} was aborted`, { outcome, cause });
}
