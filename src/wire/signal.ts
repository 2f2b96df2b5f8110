/**
 * Signals: what the two ends of a greeted connection ask each other about the connection itself.
 * Each is a frame whose body is an array of its kind alone. A `probe` is answered by a `heard` on
 * the same connection; a `heard` may also come unasked.
 */
import { bodyKind } from "./body-kind.ts";
import { encodeFrame } from "./frame.ts";

export type Signal = "probe" | "heard";

export const signalFrames: Readonly<Record<Signal, Uint8Array>> = {
  probe: encodeFrame([bodyKind.probe]),
  heard: encodeFrame([bodyKind.heard]),
};

const arrayOfOne = 0x81;

/** Which signal a body is; undefined for every other body, at the cost of one comparison. */
export function signalOf(body: Uint8Array): Signal | undefined {
  if (body.length !== 2 || body[0] !== arrayOfOne) return undefined;
  if (body[1] === bodyKind.probe) return "probe";
  return body[1] === bodyKind.heard ? "heard" : undefined;
}
