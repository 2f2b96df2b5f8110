/**
 * What the relay and a shard say to each other about the connections that the relay accepts for it.
 * Bytes are passed on as they come, whatever they are; only the relay has sockets.
 */
import type { CloseReason } from "./transport-counters.ts";

/** Relay to shard. Many in one message: see `RelayedBatch`. */
export type RelayEvent =
  | {
      readonly kind: "opened";
      readonly id: number;
      readonly remoteAddress: string | undefined;
      readonly remotePort: number | undefined;
      /** Those of the certificate at the other end; empty without TLS. */
      readonly peerNames: readonly string[];
    }
  | { readonly kind: "data"; readonly id: number; readonly bytes: Uint8Array }
  /** The other end sends no more. */
  | { readonly kind: "ended"; readonly id: number }
  /** The connection is gone, without an end before. */
  | { readonly kind: "closed"; readonly id: number }
  /** The system has taken the last write. */
  | { readonly kind: "written"; readonly id: number }
  /** A connection that was ended before it was known for which shard it was. */
  | {
      readonly kind: "refused";
      readonly reason: CloseReason;
      /** `host:port` of the other end. */
      readonly address: string;
      readonly why: string;
    };

/** What the relay has for one shard in one turn of its loop. */
export type RelayedBatch = readonly RelayEvent[];

/** Shard to relay, one a message. */
export type RelayOrder =
  /** So many bytes were read since this was said last: as many more may come. */
  | { readonly kind: "read"; readonly id: number; readonly bytes: number }
  | { readonly kind: "write"; readonly id: number; readonly bytes: Uint8Array }
  /** Nothing more is written. */
  | { readonly kind: "end"; readonly id: number }
  | { readonly kind: "destroy"; readonly id: number }
  /** The other end has proved to be one of us. */
  | { readonly kind: "greeted"; readonly id: number };

/**
 * Bytes that a shard reads on a connection before it says so. Less than half of the least window:
 * what has been read and not been told must never be what the relay waits for.
 */
export const readBytes = 32_768;

/** One end of a MessagePort, of which both sides know only this. */
export interface RelayPort<Sent, Received> {
  postMessage(message: Sent, transferList?: readonly ArrayBuffer[]): void;
  on(event: "message", listener: (message: Received) => void): unknown;
  on(event: "close", listener: () => void): unknown;
  close(): void;
}
