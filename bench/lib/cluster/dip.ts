/** What the loss of a node did to throughput. */
import type { LoadWindow } from "./load-window.ts";

/** Below this share of what it was, throughput counts as not back. */
const backAt = 0.9;

export interface Dip {
  /** The least throughput of a window, as a share of what it was before; 1 where it never fell. */
  readonly least: number;
  /** Seconds from the beginning of `windows` until throughput was back for good. */
  readonly seconds: number;
}

/** `windows` follow one another. */
export function dipOf(
  beforePerSecond: number,
  windows: readonly Pick<LoadWindow, "perSecond" | "seconds">[],
): Dip {
  let least = 1;
  let passed = 0;
  let seconds = 0;
  for (const { perSecond, seconds: length } of windows) {
    passed += length;
    const share = perSecond / Math.max(1, beforePerSecond);
    least = Math.min(least, share);
    if (share < backAt) seconds = passed;
  }
  return { least, seconds };
}
