/**
 * The bytes of the key-value machine. Commands are stored in logs and results cross the network:
 * numbers here never change their meaning. Integers are big-endian; an i64 holds a safe integer
 * (±(2^53 - 1)).
 *
 *   command   put             [1] [key length u16] [key] [value …]
 *             delete          [2] [key length u16] [key]
 *             compareAndSet   [3] [key length u16] [key] [expected revision i64] [value …]
 *             increment       [4] [key length u16] [key] [delta i64]
 *   query     get            [16] [key length u16] [key]
 *             size           [17]
 *   result    of a command   [status] [version i64] [revision i64]
 *             of increment   [status] [version i64] [revision i64] [counter i64]
 *             of get         [status] [version i64] [revision i64] [value …]
 *             of size        [status] [keys i64]
 *   refusal   of any         [status] [version i64] [revision i64]
 *
 * Keys are 0 to 65,535 bytes, compared byte by byte; clients write text as UTF-8. Values are any
 * bytes that the entry limit lets through. A counter is a value that holds the shortest decimal
 * text of a safe integer, so `get` shows "42" and a `put` of "42" makes a counter. A result tells
 * the key's version and revision after the command (delete: before it), 0 where there is no key.
 */

export const kvOperation = {
  put: 1,
  delete: 2,
  compareAndSet: 3,
  increment: 4,
  get: 16,
  size: 17,
} as const;

export const kvStatus = {
  done: 0,
  /** delete, get: the key does not exist. */
  missing: 1,
  /** compareAndSet: the key's revision, which the result tells, is another one. */
  mismatch: 2,
  /** increment: the value is no counter. */
  notInteger: 3,
  /** increment: the sum would leave the safe range. */
  overflow: 4,
  /** The key is new, and the machine holds as many keys as it may. */
  full: 5,
  /** The bytes are no command or query of this page. */
  malformed: 6,
} as const;
export type KvStatus = keyof typeof kvStatus;

/** Bytes before the key. */
export const keyAt = 3;
export const keyBytesMax = 0xffff;

/** Where a result has its version, its revision and what follows them. */
export const resultVersionAt = 1;
export const resultRevisionAt = 9;
export const resultBodyAt = 17;
