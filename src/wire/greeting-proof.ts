/**
 * Proof that both ends of a connection know the shared secret, without sending it: HMAC-SHA256,
 * keyed with the secret, over the Hello and the Welcome exactly as sent. Both hold a fresh nonce of
 * their sender, so no recording can be played again; the label differs by direction, so no proof
 * can be sent back as the answer to itself; the identities, ports and limits are in the bytes, so
 * none of them can be changed on the way.
 *
 * It proves who greeted. It does not protect the frames that follow from somebody who can alter the
 * stream; TLS does.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

/** Of one proof. A Welcome carries one for each secret that the acceptor knows. */
export const proofBytes = 32;

export type ProofSide = "acceptor" | "dialler";

const labels: Readonly<Record<ProofSide, string>> = {
  acceptor: "flotilla/1 acceptor\0",
  dialler: "flotilla/1 dialler\0",
};

/** What both sides have sent so far. */
export interface Transcript {
  /** The Hello's frame body. */
  readonly helloBody: Uint8Array;
  /** The Welcome's fields: the byte string inside its frame. */
  readonly welcomeBytes: Uint8Array;
}

export function greetingProof(secret: string, side: ProofSide, said: Transcript): Uint8Array {
  const hmac = createHmac("sha256", Buffer.from(secret, "utf8"));
  hmac.update(labels[side], "latin1");
  // The lengths make the border between both parts certain.
  for (const part of [said.helloBody, said.welcomeBytes]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    hmac.update(length).update(part);
  }
  return hmac.digest();
}

/** Compares in constant time. */
export function proofsEqual(expected: Uint8Array, given: Uint8Array): boolean {
  return expected.length === given.length && timingSafeEqual(expected, given);
}
