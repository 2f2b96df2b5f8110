/**
 * Control calls, their answers and events, between the two threads of one process. Written and read
 * by the same build, so they are structured clones and not a protocol: nothing here ever comes from
 * a disk or a peer.
 */
import { deserialize, serialize } from "node:v8";

export function encodeTrusted(value: unknown): Uint8Array {
  return serialize(value);
}

/** The caller knows what the other thread wrote. */
export function decodeTrusted<T>(bytes: Uint8Array): T {
  const value: T = deserialize(bytes);
  return value;
}
