/**
 * What a user's state machine is to the engine. It lives on the worker thread, beside its replica;
 * its module is loaded there by URL and exports `createStateMachine`. Bytes in, bytes out;
 * `typed.ts` of the engine puts types and CBOR on top.
 *
 * `apply` must be deterministic: the same entries in the same order give the same state and the
 * same results on every replica. Time and identity come from the entry, never from a clock,
 * `Math.random` or the environment.
 */
import type { GroupId, Index, NodeId, Term } from "../base/index.ts";

/**
 * A committed command as `apply` sees it. The object and its memory are reused for the next
 * command: copy what is kept.
 */
export interface Entry {
  /** The command is `bytes[start, end)`. Reading in place saves the view that `command` makes. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** The command's bytes as a view, made when asked for. */
  readonly command: Uint8Array;
  readonly index: Index;
  readonly term: Term;
  /**
   * The leader's wall clock when it accepted the command, in ms since 1970. The same on every
   * replica; may go backwards.
   */
  readonly timeMs: number;
}

export type Role = "follower" | "candidate" | "leader";

export interface StateMachine {
  /**
   * Applies one committed command. What it returns goes to the proposer, if it is waiting on this
   * node; the engine copies it before the next call, so the same buffer may be returned each time.
   * Must be synchronous: a promise is ERR_RESULT_INVALID.
   *
   * An exception becomes the command's result (ERR_APPLY_FAILED), or disables the replica, as the
   * option `applyError` says; it must come on every replica or on none. Its outcome is "unknown",
   * since what was changed before it stays changed. `CommandRejected` promises that nothing was:
   * its outcome is "none", and it never disables.
   */
  apply(entry: Entry): Uint8Array | undefined;
  /**
   * Answers a read. Must not change the state. An exception, or a result that is not bytes, becomes
   * ERR_QUERY_FAILED. The engine copies what it returns.
   */
  query(query: Uint8Array): Uint8Array | undefined;
  /**
   * A hash over the whole state, equal on two replicas if and only if their states are. For checks;
   * may be slow.
   */
  digest?(): string;
  /**
   * The replica changed its role. Called between commands. What it throws is told by the event
   * `hookFailed`.
   */
  onRole?(role: Role, term: Term): void;
  /** The replica stops. Called once; nothing is called afterwards. */
  close?(): void;
}

/**
 * Whether what the user's function returned can serve calls: an async function, for one, returns a
 * promise.
 */
export function isMachine(
  machine: Partial<StateMachine> | null | undefined,
): machine is StateMachine {
  return typeof machine?.apply === "function" && typeof machine.query === "function";
}

export interface StateMachineContext {
  readonly group: GroupId;
  readonly node: NodeId;
}

export type CreateStateMachine = (context: StateMachineContext) => StateMachine;
