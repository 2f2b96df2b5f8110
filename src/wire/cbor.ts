/**
 * The only door to cbor-x. What goes in is plain data: numbers, strings, byte strings, booleans,
 * null, arrays and plain objects. What comes out has passed `cbor-check.ts` first, so cbor-x never
 * sees a tag, a deep nest or a false length.
 *
 * Integers are Numbers up to 2^53-1. cbor-x writes those above 2^32-1 as float64, which is exact;
 * other implementations write 64-bit integers, and both are read.
 */
import { Encoder } from "cbor-x";
import { RaftError, limits } from "../base/index.ts";
import { entryHeaderBytes, writeEntryHeader } from "../raft/index.ts";
import { findCborFault } from "./cbor-check.ts";
import { frameInvalid } from "./frame-invalid.ts";
import { copyOfThisRealm, findPlainFault } from "./plain-check.ts";

/**
 * cbor-x's own flags: return the shared target with start and end, and begin at the same place next
 * time.
 */
const reuseAndReset = 512 | 1024;

interface SharedTarget extends Buffer {
  readonly start: number;
  readonly end: number;
}
interface SharedEncoder {
  encode(value: unknown, mode: number): SharedTarget;
  decode(bytes: Uint8Array): unknown;
}

const encoderOptions = {
  useRecords: false,
  variableMapSize: true,
  tagUint8Array: false,
  // Exact here, since the check has refused everything beyond 2^53-1; the default gives BigInts.
  int64AsNumber: true,
};
const codec = new Encoder(encoderOptions) as unknown as SharedEncoder;

/**
 * Encodes into memory of its own, with `headBytes` left free in front, in one allocation and one
 * copy. Does not check that the value can be decoded; for values that our own code builds of
 * numbers and byte strings.
 */
export function encodeCborAfter(headBytes: number, value: unknown): Buffer {
  // The target belongs to the whole thread: it must be copied before anything else is encoded.
  const target = codec.encode(value, reuseAndReset);
  const bytes = Buffer.allocUnsafe(headBytes + target.end - target.start);
  target.copy(bytes, headBytes, target.start, target.end);
  return bytes;
}

/** From the head of a byte string to that of an array of the same length (RFC 8949 §3.1). */
const fromBytesToArray = 0x40;

/** Writes the head of an array of `length` items, in `entryHeaderBytes(length)` bytes. */
export function writeArrayHead(target: Buffer, at: number, length: number): void {
  writeEntryHeader(target, at, length);
  target[at] = (target[at] ?? 0) + fromBytesToArray;
}

/**
 * As `encodeCborAfter` of an array, without the array's head, and with `tailBytes` left free
 * behind.
 */
export function encodeItemsBetween(
  headBytes: number,
  items: readonly unknown[],
  tailBytes: number,
): Buffer {
  const target = codec.encode(items, reuseAndReset);
  const start = target.start + entryHeaderBytes(items.length);
  const bytes = Buffer.allocUnsafe(headBytes + target.end - start + tailBytes);
  target.copy(bytes, headBytes, start, target.end);
  return bytes;
}

/**
 * Encodes plain data.
 * @throws ERR_OPTION_INVALID where `decodeCbor` would refuse the result: Dates, Maps, Sets, large
 * BigInts, deep nesting.
 */
export function encodeCbor(value: unknown): Uint8Array {
  const bytes = encoded(value);
  const fault = findCborFault(bytes, limits.cborDepthMax);
  if (fault !== undefined) throw notPlain(fault);
  return bytes;
}

/**
 * As `encodeCbor`, for documents of users: up to `limits.documentDepthMax` levels.
 * @throws ERR_OPTION_INVALID, also for what would arrive as something else, such as a promise
 */
export function encodeDocument(value: unknown): Uint8Array {
  const bytes = encoded(value);
  const fault = documentFault(bytes, value);
  if (fault === undefined) return bytes;
  const copy = copyOfThisRealm(value);
  const again = encoded(copy);
  if (documentFault(again, copy) !== undefined) throw notPlain(fault);
  return again;
}

function documentFault(bytes: Uint8Array, value: unknown): string | undefined {
  const { documentDepthMax } = limits;
  return findCborFault(bytes, documentDepthMax) ?? findPlainFault(value, documentDepthMax);
}

function encoded(value: unknown): Buffer {
  try {
    return encodeCborAfter(0, value);
  } catch (error) {
    throw new RaftError("ERR_OPTION_INVALID", `Cannot encode as CBOR: ${String(error)}`, {
      cause: error,
    });
  }
}

function notPlain(fault: string): RaftError {
  return new RaftError("ERR_OPTION_INVALID", `Cannot encode as CBOR of plain data: ${fault}`);
}

/**
 * Decodes one value that fills `bytes`. Byte strings are views on `bytes`.
 * @throws ERR_FRAME_INVALID
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  return decodeWithin(bytes, limits.cborDepthMax);
}

/**
 * As `decodeCbor`, for documents of users: up to `limits.documentDepthMax` levels.
 * @throws ERR_FRAME_INVALID
 */
export function decodeDocument(bytes: Uint8Array): unknown {
  return decodeWithin(bytes, limits.documentDepthMax);
}

function decodeWithin(bytes: Uint8Array, depthMax: number): unknown {
  const fault = findCborFault(bytes, depthMax);
  if (fault !== undefined) throw frameInvalid(`Invalid CBOR: ${fault}`);
  try {
    return codec.decode(bytes);
  } catch (error) {
    throw frameInvalid(`Invalid CBOR: ${String(error)}`, error);
  }
}
