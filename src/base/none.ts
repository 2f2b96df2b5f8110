/** One empty list for all, where a list is replaced as a whole and never added to. */
export const none: readonly never[] = Object.freeze([]);
