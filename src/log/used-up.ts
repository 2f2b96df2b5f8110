/** Faults of a call that has done nothing, because the system had no more of something. */

/** What the system says when descriptors, memory or threads are used up; they may be free later. */
export const usedUpCodes: readonly string[] = ["EAGAIN", "EMFILE", "ENFILE", "ENOMEM"];

export function isUsedUp(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return usedUpCodes.some((code) => code === error.code);
}
