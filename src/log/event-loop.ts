import type { Soon } from "./record-store.ts";

/** Turns of the real event loop. */
export const soonInEventLoop: Soon = (task) => {
  const immediate = setImmediate(task);
  return () => clearImmediate(immediate);
};

export function pauseInEventLoop(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
