/**
 * Commands and queries of the key-value machine as bytes, for who proposes them; `kv-format.ts` has
 * the layouts. Text is written as UTF-8. Everything is checked here, with an error that names the
 * fault, so that the machine's `malformed` only ever answers foreign bytes.
 */
import { RaftError, describeValue } from "../base/index.ts";
import { int64Bytes, writeInt64Into } from "./int64.ts";
import { keyAt, keyBytesMax, kvOperation } from "./kv-format.ts";

/** Text is written as UTF-8. */
export type KvBytes = string | Uint8Array;

/** Above this length the native call wins. */
const asciiLoopMax = 32;

/** @throws ERR_OPTION_INVALID */
export function encodePut(key: KvBytes, value: KvBytes): Uint8Array {
  const command = layOut(kvOperation.put, key, lengthOf("value", value));
  writeBytes(command, bodyAtOf(command), value);
  return command;
}

/** @throws ERR_OPTION_INVALID */
export function encodeDelete(key: KvBytes): Uint8Array {
  return layOut(kvOperation.delete, key, 0);
}

/**
 * Sets the key if its revision is `expectedRevision`, which is 0 for "must not exist".
 * @throws ERR_OPTION_INVALID
 */
export function encodeCompareAndSet(
  key: KvBytes,
  expectedRevision: number,
  value: KvBytes,
): Uint8Array {
  if (!Number.isSafeInteger(expectedRevision) || expectedRevision < 0) {
    throw invalid(
      "expectedRevision",
      "a safe integer, at least 0",
      describeValue(expectedRevision),
    );
  }
  const bodyBytes = int64Bytes + lengthOf("value", value);
  const command = layOut(kvOperation.compareAndSet, key, bodyBytes);
  const bodyAt = bodyAtOf(command);
  writeInt64Into(command, bodyAt, expectedRevision);
  writeBytes(command, bodyAt + int64Bytes, value);
  return command;
}

/**
 * Adds to a counter. A key that does not exist counts as 0.
 * @throws ERR_OPTION_INVALID
 */
export function encodeIncrement(key: KvBytes, delta: number): Uint8Array {
  if (!Number.isSafeInteger(delta)) throw invalid("delta", "a safe integer", describeValue(delta));
  const command = layOut(kvOperation.increment, key, int64Bytes);
  writeInt64Into(command, bodyAtOf(command), delta);
  return command;
}

/** @throws ERR_OPTION_INVALID */
export function encodeGet(key: KvBytes): Uint8Array {
  return layOut(kvOperation.get, key, 0);
}

/** Asks for the number of keys. */
export function encodeSize(): Uint8Array {
  return Uint8Array.of(kvOperation.size);
}

/** Writes what every command begins with; its body, the last `bodyBytes`, is the caller's. */
function layOut(operation: number, key: KvBytes, bodyBytes: number): Buffer {
  const keyBytes = lengthOf("key", key);
  if (keyBytes > keyBytesMax) {
    throw invalid("key", `at most ${keyBytesMax} bytes`, `${keyBytes} bytes`);
  }
  const command = Buffer.allocUnsafe(keyAt + keyBytes + bodyBytes);
  command[0] = operation;
  command[1] = keyBytes >>> 8;
  command[2] = keyBytes;
  writeBytes(command, keyAt, key);
  return command;
}

/** Where the body of a command made by `layOut` begins. */
function bodyAtOf(command: Buffer): number {
  return keyAt + command.readUInt16BE(1);
}

/** The length of what `writeBytes` will write. */
function lengthOf(name: string, given: unknown): number {
  if (given instanceof Uint8Array) return given.length;
  if (typeof given !== "string") throw invalid(name, "a string or a Uint8Array", typeof given);
  const length = Buffer.byteLength(given);
  // UTF-8 has no half surrogate pairs: each would become U+FFFD, and different keys one.
  if (length !== given.length && /\p{Surrogate}/u.test(given)) {
    throw invalid(name, "well-formed text", "a lone surrogate");
  }
  return length;
}

function writeBytes(target: Buffer, at: number, given: KvBytes): void {
  if (typeof given !== "string") target.set(given, at);
  else if (!maybeWriteAscii(target, at, given)) target.write(given, at);
}

/**
 * Writes short plain text in a loop: for keys of usual length a call of Buffer's own `write` takes
 * four times as long.
 */
function maybeWriteAscii(target: Buffer, at: number, text: string): boolean {
  if (text.length > asciiLoopMax) return false;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return false;
    target[at + i] = unit;
  }
  return true;
}

function invalid(name: string, rule: string, got: string): RaftError {
  const fault = `${name} must be ${rule}, got ${got}`;
  return new RaftError("ERR_OPTION_INVALID", `Invalid key-value command: ${fault}`, {
    details: { faults: [fault] },
  });
}
