/** What the loss of a node did to throughput. */
import type { LoadWindow } from "./load-window.ts";

/** With this share of what it was, throughput counts as back. */
const backAt = 0.9;
/** For so many windows in a row: one may be high because of what had piled up. */
const backFor = 2;

export interface Dip {
  /** The least throughput until it was back, as a share of what it was before; at most 1. */
  readonly least: number;
  /** Seconds until it was back; all that there are, where it never was. */
  readonly seconds: number;
}

/** `windows` follow one another, from the loss on. */
export function dipOf(
  beforePerSecond: number,
  windows: readonly Pick<LoadWindow, "perSecond" | "seconds">[],
): Dip {
  const shares = windows.map(({ perSecond }) => perSecond / Math.max(1, beforePerSecond));
  const found = shares.findIndex((_, at) => {
    const next = shares.slice(at, at + backFor);
    return next.length === backFor && next.every((share) => share >= backAt);
  });
  const back = found < 0 ? windows.length : found;
  return {
    least: Math.min(1, ...shares.slice(0, back)),
    seconds: windows.slice(0, back).reduce((sum, { seconds }) => sum + seconds, 0),
  };
}
