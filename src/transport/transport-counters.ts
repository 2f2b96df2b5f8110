import type { RefusalReason } from "../wire/index.ts";
import type { TransportStats } from "./transport.ts";

/**
 * Why a connection was closed because of what its peer sent, or did not send. A closed set: a peer
 * cannot add to it.
 */
export type CloseReason =
  | RefusalReason
  /** A greeting that is none: not a frame, not CBOR, missing fields. */
  | "greetingInvalid"
  | "greetingTimeout"
  /** After the greeting: wrong length, checksum or CBOR, or messages that make no sense. */
  | "frameInvalid"
  /** The stream ended inside a frame. */
  | "frameTruncated"
  /** The acceptor sent something other than a signal or a refusal after its Welcome. */
  | "unexpectedFrame"
  /** The receiver of a frame threw something other than ERR_FRAME_INVALID. */
  | "handlerFailed"
  /** Too many connections that have greeted. */
  | "tooManyConnections"
  /** Too many connections that have not greeted yet. */
  | "tooManyUngreeted"
  /**
   * The same shard of the same node greeted again for the same lane; the older connection is surely
   * dead.
   */
  | "superseded"
  /** Nothing came back on a connection that was dialled, although it was asked. */
  | "silent"
  /** The peer has no certificate of our authority, or speaks no TLS. */
  | "tlsFailed"
  /** The acceptor asks for a secret and we have none. */
  | "secretRequired"
  /** The peer turned us away, with its reason. */
  | `peerRefused:${RefusalReason | "unknown"}`;

/** Those that say that one of both ends did not accept the other. */
const acceptanceReasons: ReadonlySet<string> = new Set<CloseReason>([
  "clusterMismatch",
  "nodeMismatch",
  "shardMismatch",
  "versionUnsupported",
  "proofInvalid",
  "selfConnection",
  "nodeInUse",
  "certificateMismatch",
  "greetingInvalid",
  "secretRequired",
  "tlsFailed",
  "tooManyConnections",
  "tooManyUngreeted",
]);

export function isRefusal(reason: string): boolean {
  return acceptanceReasons.has(reason) || reason.startsWith("peerRefused:");
}

/** What one transport has counted since it was made. */
export class TransportCounters {
  framesSent = 0;
  framesReceived = 0;
  bytesSent = 0;
  bytesReceived = 0;
  framesDropped = 0;
  private readonly closed = new Map<CloseReason, number>();

  refuse(reason: CloseReason): void {
    this.closed.set(reason, (this.closed.get(reason) ?? 0) + 1);
  }

  stats(connectionsOpen: number): TransportStats {
    const { framesSent, framesReceived, bytesSent, bytesReceived, framesDropped } = this;
    const connectionsRefused = Object.fromEntries(this.closed);
    return {
      framesSent,
      framesReceived,
      bytesSent,
      bytesReceived,
      framesDropped,
      connectionsOpen,
      connectionsRefused,
    };
  }
}
