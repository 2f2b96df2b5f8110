import type { Duplex } from "node:stream";

/** The socket of an accepted connection: of this thread, or passed on by the relay. */
export type AcceptedSocket = Duplex & {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
};
