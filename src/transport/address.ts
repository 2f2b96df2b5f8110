import type { Socket } from "node:net";
import { RaftError } from "../base/index.ts";

/** Where a node's shard 0 listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** As `parseAddress` reads it. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where the other end of a connection is. */
export function addressOf({ remoteAddress, remotePort }: Socket): string {
  return formatAddress({ host: remoteAddress ?? "unknown", port: remotePort ?? 0 });
}

// An IPv6 host stands in brackets, as in a URL.
const addressPattern = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:[\]]+)):(\d{1,5})$/;

/**
 * Reads `host:port`, `[::1]:port`.
 * @throws ERR_OPTION_INVALID
 */
export function parseAddress(text: string): Address {
  const match = addressPattern.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port >= 1 && port <= 65_535)) {
    throw new RaftError(
      "ERR_OPTION_INVALID",
      `An address must be host:port with a port from 1 to 65535, got ${JSON.stringify(text)}`,
    );
  }
  return { host, port };
}
