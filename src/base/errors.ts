/**
 * The error table: one class, one frozen table of codes. A code says what went wrong; `outcome`
 * says what it means for the write: "none", it surely has no effect now or later, or "unknown",
 * nobody can tell. Only "none" may be retried blindly.
 */
import type { NodeId, Term } from "./ids.ts";

export type Outcome = "none" | "unknown";

export interface ErrorSpec {
  /** What happened to the write, unless the place that throws knows better. */
  readonly outcome: Outcome;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** When it is thrown. */
  readonly when: string;
  /** What the caller can do. */
  readonly remedy: string;
}

function spec(outcome: Outcome, retryable: boolean, when: string, remedy: string): ErrorSpec {
  return Object.freeze({ outcome, retryable, when, remedy });
}

export type ErrorCode =
  | "ERR_OPTION_INVALID"
  | "ERR_NOT_LEADER"
  | "ERR_LEADERSHIP_LOST"
  | "ERR_TIMEOUT"
  | "ERR_ABORTED"
  | "ERR_BUSY"
  | "ERR_GROUP_ID_INVALID"
  | "ERR_GROUP_NOT_FOUND"
  | "ERR_GROUP_EXISTS"
  | "ERR_GROUP_CREATE_FAILED"
  | "ERR_GROUP_STOPPED"
  | "ERR_GROUP_FAILED"
  | "ERR_GROUP_DISABLED"
  | "ERR_ENTRY_TOO_LARGE"
  | "ERR_APPLY_FAILED"
  | "ERR_RESULT_INVALID"
  | "ERR_QUERY_FAILED"
  | "ERR_SHARD_CRASHED"
  | "ERR_STORE_FAILED"
  | "ERR_STORE_FULL"
  | "ERR_STORE_CORRUPT"
  | "ERR_DATA_DIR_FOREIGN"
  | "ERR_DATA_DIR_VERSION"
  | "ERR_DATA_DIR_LOCKED"
  | "ERR_PORT_IN_USE"
  | "ERR_LISTEN_FAILED"
  | "ERR_STATE_MACHINE_LOAD"
  | "ERR_WORKER_MISSING"
  | "ERR_FRAME_INVALID"
  | "ERR_HANDSHAKE_REFUSED"
  | "ERR_ENGINE_CLOSED"
  | "ERR_INTERNAL";

export const errorTable: Readonly<Record<ErrorCode, ErrorSpec>> = Object.freeze({
  ERR_OPTION_INVALID: spec(
    "none",
    false,
    "an option or argument is unknown, of the wrong type or out of range",
    "correct it; the message lists every fault at once",
  ),
  ERR_NOT_LEADER: spec(
    "none",
    true,
    "this node's replica is not the group's leader, or with `forward` no leader could be reached",
    "call the node named in `details.leader`, or pass `forward: true`",
  ),
  ERR_LEADERSHIP_LOST: spec(
    "unknown",
    true,
    "the replica stopped leading before the entry was known to be committed",
    "read the state to learn whether it was applied, or make the command idempotent and retry",
  ),
  ERR_TIMEOUT: spec(
    "unknown",
    true,
    "the call's deadline passed",
    "raise `timeoutMs`, or look at `status(group)` for a missing leader or quorum",
  ),
  ERR_ABORTED: spec(
    "unknown",
    false,
    "the call's AbortSignal fired",
    "nothing; the caller asked for it",
  ),
  ERR_BUSY: spec(
    "none",
    true,
    'a queue has reached its bound; the call had no effect, or, with outcome "unknown", the answer to a forwarded call was dropped',
    "wait for calls to settle, or raise the bound named in the message",
  ),
  ERR_GROUP_ID_INVALID: spec(
    "none",
    false,
    "a group id is not an integer from 0 to 4,294,967,295",
    "choose an id in that range",
  ),
  ERR_GROUP_NOT_FOUND: spec(
    "none",
    false,
    "this node has no replica of the group",
    "create the group, or call a node that is a member",
  ),
  ERR_GROUP_EXISTS: spec(
    "none",
    false,
    "the group exists on this node with other members",
    "choose another id, or name the members that it has",
  ),
  ERR_GROUP_CREATE_FAILED: spec(
    "none",
    true,
    'fewer than a majority of the members could start the group; with outcome "none" those that had were rolled back, otherwise the group may come into being',
    "see `details.failures` for the reason of each member, then call again: that resumes the creation",
  ),
  ERR_GROUP_STOPPED: spec(
    "none",
    false,
    "the group's replica is stopped on this node",
    "call `startGroup`",
  ),
  ERR_GROUP_FAILED: spec(
    "none",
    true,
    "the group's replica cannot run here now: its state machine cannot be created, its log cannot be read, or it has ended its shard's worker twice and is held",
    "see `details.reason`; it is tried again by itself in `details.retryInMs`, or at once by `startGroup`; one that is held has no `retryInMs` and waits for `enableGroup`",
  ),
  ERR_GROUP_DISABLED: spec(
    "none",
    false,
    "the replica is disabled for good: its state cannot be trusted, or `applyError` says so",
    "see `details.reason`; the other members go on without it; `enableGroup` undoes what `applyError` did",
  ),
  ERR_ENTRY_TOO_LARGE: spec(
    "none",
    false,
    "a command is larger than `commandBytesMax`, or the answers of a call are larger than a frame takes (16 MiB): then a write has been applied, and its outcome is unknown",
    "split the command, or raise the option on every node; ask for less at once",
  ),
  ERR_APPLY_FAILED: spec(
    "unknown",
    false,
    "the state machine threw on this command; what it had changed before stays changed. If it threw `CommandRejected`, nothing was changed and the outcome is none",
    "see `cause` for the state machine's own error; check first, then change, and refuse with `CommandRejected`",
  ),
  ERR_RESULT_INVALID: spec(
    "unknown",
    false,
    "the command was applied, and what `apply` returned is no result: a promise-like object, data that cannot be encoded, or, to `typedGroup`, no document",
    "return bytes or nothing, from defineStateMachine plain data; `apply` must be synchronous. Do not retry: it was applied",
  ),
  ERR_QUERY_FAILED: spec(
    "none",
    false,
    "the state machine threw on this query or in `digest`, or its answer cannot be encoded, or is no document to `typedGroup`",
    "see `cause` for the state machine's own error",
  ),
  ERR_SHARD_CRASHED: spec(
    "unknown",
    true,
    "the worker thread that holds the group ended unexpectedly, or has not restarted yet",
    "retry; the shard restarts by itself and recovers from its log, without a group that has ended it twice",
  ),
  ERR_STORE_FAILED: spec(
    "unknown",
    false,
    "the disk refused a write or a flush; the shard has stopped, since retrying on the same pages may lose data",
    "free space on the disk or repair it, as the message says, and restart the process",
  ),
  ERR_STORE_FULL: spec(
    "none",
    false,
    "the log of a shard has reached the bound that the message names; the shard still elects and serves reads",
    "raise that option and restart the node",
  ),
  ERR_STORE_CORRUPT: spec(
    "none",
    false,
    "bytes read back from disk do not match their checksum or make no sense, or a store that was in use is missing",
    "bring back what is missing, such as a volume that is not mounted; do not delete single files or bring back an older copy. Groups with a majority elsewhere go on",
  ),
  ERR_DATA_DIR_FOREIGN: spec(
    "none",
    false,
    "the data directory belongs to another node, cluster or shard, or holds the other kind of `store`",
    "open it under the identity and `store` in the message, or choose another directory",
  ),
  ERR_DATA_DIR_VERSION: spec(
    "none",
    false,
    "the data directory was written in a format that this version does not know",
    "open it with a version of flotilla that knows its format, or choose another directory",
  ),
  ERR_DATA_DIR_LOCKED: spec(
    "none",
    true,
    "another engine has the data directory open",
    "close it first; a directory has one owner",
  ),
  ERR_PORT_IN_USE: spec(
    "none",
    true,
    "the listen port is taken",
    "choose another port, or 0 to let the system choose",
  ),
  ERR_LISTEN_FAILED: spec(
    "none",
    true,
    "the listen address cannot be bound",
    "see `cause`; the host must be an address of this machine",
  ),
  ERR_STATE_MACHINE_LOAD: spec(
    "none",
    false,
    "the module of `stateMachine` or `logStore` cannot be imported or does not export `createStateMachine` or `createLogStore`",
    "see `cause`; the URL must be that of a compiled module a worker thread can import",
  ),
  ERR_WORKER_MISSING: spec(
    "none",
    false,
    "the module of the shards' workers is not where the package has it, as after bundling",
    "mark `flotilla` as external in the bundler, so that it is loaded from node_modules",
  ),
  ERR_FRAME_INVALID: spec(
    "none",
    false,
    "bytes from a peer are not a frame of the protocol; the connection was closed",
    "see the message; a peer of another version or a damaged network",
  ),
  ERR_HANDSHAKE_REFUSED: spec(
    "none",
    true,
    "the leader's node refused the connection of this one, or was refused: another cluster, secret, certificate or version",
    "see the message and `details.reason`; also as the `error` of the event `peerRefused`",
  ),
  ERR_ENGINE_CLOSED: spec("none", false, "the engine is closed or closing", "open a new engine"),
  ERR_INTERNAL: spec(
    "unknown",
    false,
    "a fault of the program",
    "please report it with the message",
  ),
});

/** What a caller may branch on, beyond the code. All fields are optional and depend on the code. */
export interface ErrorDetails {
  /** The leader as this node knows it. */
  readonly leader?: NodeId | undefined;
  readonly leaderAddress?: string | undefined;
  readonly term?: Term | undefined;
  readonly reason?: string | undefined;
  /**
   * When a failed replica is tried again; undefined where it waits for `enableGroup` or
   * `startGroup`.
   */
  readonly retryInMs?: number | undefined;
  /** The operating system's code for what it refused, as `ENOSPC`. */
  readonly systemCode?: string | undefined;
  /** Every faulty option. */
  readonly faults?: readonly string[] | undefined;
  /** Why each member failed or cannot be reached, by node. */
  readonly failures?: Readonly<Record<NodeId, string>> | undefined;
}

export interface RaftErrorOptions {
  readonly outcome?: Outcome | undefined;
  readonly details?: ErrorDetails | undefined;
  readonly cause?: unknown;
}

/** Every error the engine reports to its users. */
export class RaftError extends Error {
  override readonly name: string = "RaftError";
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly retryable: boolean;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: RaftErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.outcome = options.outcome ?? errorTable[code].outcome;
    this.retryable = errorTable[code].retryable;
    this.details = options.details ?? {};
  }

  /** The same error where more, or less, is known of whether the write has happened. */
  withOutcome(outcome: Outcome): RaftError {
    if (outcome === this.outcome) return this;
    const { code, message, details, cause } = this;
    return new RaftError(code, message, { outcome, details, cause });
  }

  /** What the caller can do about it. */
  get remedy(): string {
    return errorTable[this.code].remedy;
  }
}

/**
 * What a state machine throws from `apply` to refuse a command before it has changed anything: the
 * proposer gets ERR_APPLY_FAILED with outcome "none". Thrown on every replica or on none, as every
 * exception of `apply`.
 */
export class CommandRejected extends Error {
  override readonly name: string = "CommandRejected";
}

/** By its name: a state machine's module may have loaded another copy of this package. */
export function isRejection(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "CommandRejected";
}

/**
 * An error as plain data, for threads and sockets: structured clone would drop class, code and
 * details.
 */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly outcome: Outcome;
  readonly details: ErrorDetails;
  readonly cause?: string | undefined;
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(errorTable, code);
}

export function errorToWire(error: unknown): WireError {
  if (error instanceof RaftError) {
    const { cause } = error;
    return {
      code: error.code,
      message: error.message,
      outcome: error.outcome,
      details: error.details,
      ...(cause === undefined ? {} : { cause: describeCause(cause) }),
    };
  }
  return {
    code: "ERR_INTERNAL",
    message: describeCause(error),
    outcome: "unknown",
    details: {},
  };
}

export function errorFromWire(wire: WireError): RaftError {
  const code = isErrorCode(wire.code) ? wire.code : "ERR_INTERNAL";
  return new RaftError(code, wire.message, {
    outcome: wire.outcome === "none" ? "none" : "unknown",
    details: wire.details,
    cause: wire.cause === undefined ? undefined : new Error(wire.cause),
  });
}

/** What was thrown, as an Error; it need not be one. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** What was thrown, in words; it need not be an Error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function describeCause(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
