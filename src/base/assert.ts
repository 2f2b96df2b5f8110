/**
 * Assertions stay on in production. A failed one is a fault of the program: nothing catches it, the
 * shard dies, its calls fail with an unknown outcome, and the shard comes back from what its disk
 * holds. Going on with a corrupt replica is worse. A group whose core fails one again is held, so
 * that the others of its shard serve.
 */

export class AssertionError extends Error {
  override readonly name: string = "AssertionError";
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Marks the end of an exhaustive switch: the compiler proves that it is never called. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable value ${JSON.stringify(value)}`);
}
