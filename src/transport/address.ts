/**
 * Addresses of nodes: the one place that reads and writes them.
 *
 *   host:port          a name or an IPv4 address
 *   [host]:port        an IPv6 address, perhaps with a zone: [fe80::1%eth0]:7000
 */
import { isIPv4, isIPv6 } from "node:net";
import { RaftError } from "../base/index.ts";
import type { AcceptedSocket } from "./accepted-socket.ts";

/** Where a node is reached: one of its shards, which knows where the others are. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const addressPattern = /^(?:\[([^\]]+)\]|([^\s:[\]]+)):(\d{1,5})$/;
const namePattern = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const hostLengthMax = 253;

/** Whether a host stands for every address of a machine: something to bind, and nowhere to go. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || (isIPv6(host) && /^[0:]+$/.test(host));
}

/** What is wrong with an address; undefined if it can be dialled. */
export function describeAddressFault(text: unknown): string | undefined {
  const form = "must be host:port or [IPv6]:port";
  if (typeof text !== "string") return form;
  const match = addressPattern.exec(text);
  if (match === null) return form;
  const [, bracketed, plain = ""] = match;
  const host = bracketed ?? plain;
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) return `must have a port from 1 to 65535, not ${port}`;
  if (bracketed !== undefined && !isIPv6(bracketed)) return `${bracketed} is no IPv6 address`;
  return describeRemoteHostFault(host);
}

/** What is wrong with a host that others are told; undefined if it can be dialled. */
export function describeRemoteHostFault(host: unknown): string | undefined {
  const isEvery = typeof host === "string" && isWildcard(host);
  return isEvery
    ? `must say where the node is, and ${host} is every address`
    : describeHostFault(host);
}

/** What is wrong with a host that is given without a port; undefined if it can be bound. */
export function describeHostFault(host: unknown): string | undefined {
  if (typeof host !== "string" || host === "") return "the host is no name and no address";
  if (isIPv6(host)) return undefined;
  if (host.startsWith("[")) return "without brackets, which only host:port needs";
  const isHost = /^[\d.]+$/.test(host) ? isIPv4(host) : namePattern.test(host);
  return isHost && host.length <= hostLengthMax ? undefined : "the host is no name and no address";
}

/**
 * Reads an address.
 * @throws ERR_OPTION_INVALID
 */
export function parseAddress(text: string): Address {
  const fault = describeAddressFault(text);
  if (fault !== undefined) {
    const message = `Invalid options: the address ${JSON.stringify(text)}: ${fault}`;
    throw new RaftError("ERR_OPTION_INVALID", message);
  }
  const [, bracketed, plain = "", port] = addressPattern.exec(text) ?? [];
  return { host: bracketed ?? plain, port: Number(port) };
}

/** As `parseAddress` reads it. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where the other end of a connection is. */
export function addressOf({ remoteAddress, remotePort }: AcceptedSocket): string {
  return formatAddress({ host: remoteAddress ?? "unknown", port: remotePort ?? 0 });
}
