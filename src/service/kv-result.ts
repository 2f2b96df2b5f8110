/**
 * What the key-value machine returns, from its bytes (`kv-format.ts`). A refusal is a result like
 * any other: the command was applied and changed nothing. Bytes that are no result mean that the
 * group runs another state machine; only that throws.
 */
import { RaftError } from "../base/index.ts";
import type { Index } from "../base/index.ts";
import { int64Bytes, readInt64 } from "./int64.ts";
import { kvStatus, resultBodyAt, resultRevisionAt, resultVersionAt } from "./kv-format.ts";
import type { KvStatus } from "./kv-format.ts";

/** The command changed the key. */
export interface KvWritten {
  readonly ok: true;
  /** Writes to the key since it came into being. After a delete, what it had reached. */
  readonly version: number;
  /** Log index of the key's last write: this command's own, but for a delete. */
  readonly revision: Index;
}
export type KvRefusal = Exclude<KvStatus, "done">;
/** The command changed nothing. */
export interface KvRefused {
  readonly ok: false;
  readonly reason: KvRefusal;
  /** The key's present version and revision, 0 where it does not exist. */
  readonly version: number;
  readonly revision: Index;
}
export type KvWriteResult = KvWritten | KvRefused;

export interface KvCounted extends KvWritten {
  /** The counter after the increment. */
  readonly counter: number;
}
export type KvIncrementResult = KvCounted | KvRefused;

export interface KvRecord {
  /** A view on the answer's memory. */
  readonly value: Uint8Array;
  readonly version: number;
  readonly revision: Index;
}

const refusals: ReadonlyMap<number, KvRefusal> = new Map<number, KvRefusal>([
  [kvStatus.missing, "missing"],
  [kvStatus.mismatch, "mismatch"],
  [kvStatus.notInteger, "notInteger"],
  [kvStatus.overflow, "overflow"],
  [kvStatus.full, "full"],
  [kvStatus.malformed, "malformed"],
]);

/**
 * The result of put, delete and compareAndSet.
 * @throws ERR_INTERNAL where the bytes are no result of the key-value machine
 */
export function decodeWriteResult(bytes: Uint8Array): KvWriteResult {
  if (bytes.length !== resultBodyAt) throw foreign(bytes);
  return bytes[0] === kvStatus.done ? decodeWritten(bytes) : decodeRefused(bytes);
}

/** @throws ERR_INTERNAL where the bytes are no result of the key-value machine */
export function decodeIncrementResult(bytes: Uint8Array): KvIncrementResult {
  if (bytes[0] !== kvStatus.done) return decodeRefused(bytes);
  if (bytes.length !== resultBodyAt + int64Bytes) throw foreign(bytes);
  return { ...decodeWritten(bytes), counter: readInt64(bytes, resultBodyAt) };
}

/**
 * The answer to get: undefined where the key does not exist.
 * @throws ERR_INTERNAL where the bytes are no answer of the key-value machine
 */
export function decodeGetAnswer(bytes: Uint8Array): KvRecord | undefined {
  if (bytes[0] !== kvStatus.done) {
    if (decodeRefused(bytes).reason === "missing") return undefined;
    throw foreign(bytes);
  }
  if (bytes.length < resultBodyAt) throw foreign(bytes);
  const { version, revision } = decodeWritten(bytes);
  return { value: bytes.subarray(resultBodyAt), version, revision };
}

/**
 * The answer to size.
 * @throws ERR_INTERNAL where the bytes are no answer of the key-value machine
 */
export function decodeSizeAnswer(bytes: Uint8Array): number {
  if (bytes[0] !== kvStatus.done || bytes.length !== 1 + int64Bytes) throw foreign(bytes);
  return readInt64(bytes, 1);
}

function decodeWritten(bytes: Uint8Array): KvWritten {
  return {
    ok: true,
    version: readInt64(bytes, resultVersionAt),
    revision: readInt64(bytes, resultRevisionAt),
  };
}

function decodeRefused(bytes: Uint8Array): KvRefused {
  const reason = refusals.get(bytes[0] ?? -1);
  if (reason === undefined || bytes.length !== resultBodyAt) throw foreign(bytes);
  return { ...decodeWritten(bytes), ok: false, reason };
}

function foreign(bytes: Uint8Array): RaftError {
  const shown = Buffer.from(bytes.subarray(0, 8)).toString("hex");
  return new RaftError(
    "ERR_INTERNAL",
    `Not a result of the key-value machine: ${bytes.length} bytes that begin with "${shown}"; ` +
      "the group runs another state machine",
  );
}
