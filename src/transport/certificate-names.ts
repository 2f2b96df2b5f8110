/**
 * The names in a peer's certificate, which say for which nodes it may speak. The authority vouches
 * for all of them: subject alternative names (DNS and URI), and the common name.
 */
import { TLSSocket } from "node:tls";
import type { NodeId } from "../base/index.ts";
import type { AcceptedSocket } from "./accepted-socket.ts";
import { RelayedSocket } from "./relayed-socket.ts";

/** One alternative name as Node writes them: its type, then its value, quoted if it is unusual. */
const entryPattern = /([^:,]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

/** DNS and URI names out of a text such as `DNS:a, IP Address:::1, URI:"x, y"`. */
export function alternativeNames(text: string): string[] {
  const names: string[] = [];
  entryPattern.lastIndex = 0;
  // What does not have this form ends the list: what follows cannot be told from a part of a value.
  while (entryPattern.lastIndex < text.length) {
    const [, type, value] = entryPattern.exec(text) ?? [];
    if (type === undefined || value === undefined) break;
    // A quoted value has commas or control characters, as no name of a node has.
    if ((type === "DNS" || type === "URI") && !value.startsWith('"')) names.push(value);
  }
  return names;
}

/** The name that the certificate of a node carries. */
function certificateNameOf(pattern: string, node: NodeId): string {
  return pattern.replaceAll("{node}", node);
}

/** Whether the certificate at the other end of a TLS connection speaks for a node. */
export function speaksFor(socket: AcceptedSocket, pattern: string, node: NodeId): boolean {
  return peerNames(socket).includes(certificateNameOf(pattern, node));
}

/** To be shown: for which names the certificate at the other end stands. */
export function describePeerNames(socket: AcceptedSocket): string {
  return peerNames(socket).join(", ").slice(0, 200) || "no name";
}

/** The names at the other end of a connection; none without TLS. */
export function peerNames(socket: AcceptedSocket): readonly string[] {
  if (socket instanceof RelayedSocket) return socket.peerNames;
  if (!(socket instanceof TLSSocket)) return [];
  const { subject, subjectaltname } = socket.getPeerCertificate();
  const common: unknown = subject?.CN;
  const names = alternativeNames(subjectaltname ?? "");
  return typeof common === "string" ? [...names, common] : names;
}
