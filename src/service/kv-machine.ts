/**
 * The key-value state machine: a module for the engine's option `stateMachine` (its URL is
 * `kvMachineUrl`). What it reads and returns is laid out in `kv-format.ts`.
 *
 * Each key has a value and two numbers:
 *   version    how many commands have written the key since it came into being: 1 after the first
 *              put, one more after each put, compareAndSet or increment that was applied. A key
 *              that is deleted and written again starts at 1 again, so nothing is kept of deleted
 *              keys. Good for counting: acknowledged writes <= version <= attempted writes.
 *   revision   the log index of the last write. It never repeats, not even across a delete, so
 *              compareAndSet compares it: with the version, "I read 1, others delete and put, I
 *              set" would pass unseen.
 *
 * Bad commands are answered with a status and never throw: exceptions are for faults of the code.
 */
import { createHash } from "node:crypto";
import type { Index } from "../base/index.ts";
import type { CreateStateMachine, Entry, StateMachine } from "../engine/index.ts";
import { int64Bytes, readInt64, writeInt64Into } from "./int64.ts";
import {
  keyAt,
  kvOperation,
  kvStatus,
  resultBodyAt,
  resultRevisionAt,
  resultVersionAt,
} from "./kv-format.ts";
import { copyOfLatin1, latin1Of } from "./latin1.ts";

/**
 * Keys one machine may hold. A Map of V8 ends at 2^24 entries and counts deleted ones until it is
 * rebuilt; half of that is always reached without an exception. Part of the machine's behaviour:
 * all replicas must agree on it.
 */
const keysMaxDefault = 0x80_0000;

/** Characters of the longest counter, -9007199254740991: longer values need not be parsed. */
const counterTextMax = 17;

interface StoredValue {
  /** The bytes, one a code unit (see `latin1.ts`). */
  value: string;
  version: number;
  revision: Index;
}

/** What a result says of a key that does not exist. */
const nothing: Readonly<StoredValue> = { value: "", version: 0, revision: 0 };

export class KvMachine implements StateMachine {
  readonly #keysMax: number;
  /** By key, one byte a code unit. */
  readonly #stored = new Map<string, StoredValue>();
  // The engine copies a result before the next call, so one buffer of each length serves them all.
  readonly #result = new Uint8Array(resultBodyAt);
  readonly #counterResult = new Uint8Array(resultBodyAt + int64Bytes);

  constructor(keysMax: number = keysMaxDefault) {
    this.#keysMax = keysMax;
  }

  apply(entry: Entry): Uint8Array {
    const { bytes, start, end, index } = entry;
    const bodyAt = endOfKey(bytes, start, end);
    if (bodyAt < 0) return this.#malformed();
    // Key and value are cut from one text: taking each from the bytes would be a second call into
    // native code, 60 to 80 ns on every replica. A value then keeps the bytes of its key alive
    // beside its own.
    const text = latin1Of(bytes, start + keyAt, end);
    const keyLength = bodyAt - start - keyAt;
    const key = text.slice(0, keyLength);
    switch (bytes[start]) {
      case kvOperation.put:
        return this.#put(key, text.slice(keyLength), index);
      case kvOperation.delete:
        return bodyAt === end ? this.#delete(key) : this.#malformed();
      case kvOperation.compareAndSet: {
        if (bodyAt + int64Bytes > end) return this.#malformed();
        const expected = readInt64(bytes, bodyAt);
        const present = this.#stored.get(key) ?? nothing;
        if (present.revision !== expected) return this.#answer(kvStatus.mismatch, present);
        return this.#put(key, text.slice(keyLength + int64Bytes), index);
      }
      case kvOperation.increment: {
        if (bodyAt + int64Bytes !== end) return this.#malformed();
        const delta = readInt64(bytes, bodyAt);
        return Number.isSafeInteger(delta) ? this.#increment(key, delta, index) : this.#malformed();
      }
      default:
        return this.#malformed();
    }
  }

  query(query: Uint8Array): Uint8Array {
    const operation = query[0];
    if (operation === kvOperation.size && query.length === 1) {
      const answer = new Uint8Array(1 + int64Bytes);
      writeInt64Into(answer, 1, this.#stored.size);
      return answer;
    }
    const whole = endOfKey(query, 0, query.length) === query.length;
    if (operation !== kvOperation.get || !whole) return this.#malformed();
    const found = this.#stored.get(latin1Of(query, keyAt, query.length));
    if (found === undefined) return this.#answer(kvStatus.missing, nothing);
    const answer = Buffer.allocUnsafe(resultBodyAt + found.value.length);
    writeAnswerInto(answer, kvStatus.done, found);
    answer.latin1Write(found.value, resultBodyAt);
    return answer;
  }

  digest(): string {
    const hash = createHash("sha256");
    // Lengths stand before the texts, so that no two states feed the same bytes; keys are sorted,
    // since a Map keeps the order of insertion, in which equal states may differ.
    const lengths = new Uint8Array(4 * int64Bytes);
    for (const [key, { value, version, revision }] of [...this.#stored].sort(byKey)) {
      writeInt64Into(lengths, 0, key.length);
      writeInt64Into(lengths, 8, value.length);
      writeInt64Into(lengths, 16, version);
      writeInt64Into(lengths, 24, revision);
      hash.update(lengths).update(key, "latin1").update(value, "latin1");
    }
    return hash.digest("hex");
  }

  #put(key: string, value: string, index: Index): Uint8Array {
    const present = this.#stored.get(key);
    if (present === undefined) {
      if (this.#stored.size >= this.#keysMax) return this.#answer(kvStatus.full, nothing);
      const created = { value, version: 1, revision: index };
      // The Map keeps this key for good: a copy, or the first command's whole text would stay too.
      this.#stored.set(copyOfLatin1(key), created);
      return this.#answer(kvStatus.done, created);
    }
    // In place: with a new object for each write the collector would copy every hot key again.
    present.value = value;
    present.version += 1;
    present.revision = index;
    return this.#answer(kvStatus.done, present);
  }

  #delete(key: string): Uint8Array {
    const present = this.#stored.get(key);
    if (present === undefined) return this.#answer(kvStatus.missing, nothing);
    this.#stored.delete(key);
    return this.#answer(kvStatus.done, present);
  }

  #increment(key: string, delta: number, index: Index): Uint8Array {
    const present = this.#stored.get(key);
    const counter = present === undefined ? 0 : counterOf(present.value);
    if (counter === undefined) return this.#answer(kvStatus.notInteger, present ?? nothing);
    const sum = counter + delta;
    if (!Number.isSafeInteger(sum)) return this.#answer(kvStatus.overflow, present ?? nothing);
    const result = this.#put(key, String(sum), index);
    if (result[0] !== kvStatus.done) return result;
    this.#counterResult.set(result);
    writeInt64Into(this.#counterResult, resultBodyAt, sum);
    return this.#counterResult;
  }

  #malformed(): Uint8Array {
    return this.#answer(kvStatus.malformed, nothing);
  }

  #answer(status: number, of: Readonly<StoredValue>): Uint8Array {
    writeAnswerInto(this.#result, status, of);
    return this.#result;
  }
}

/** The engine's entry to this module. */
export const createStateMachine: CreateStateMachine = () => new KvMachine();

/** Where the key ends and the rest begins; -1 where [start, end) is too short for that. */
function endOfKey(bytes: Uint8Array, start: number, end: number): number {
  // A command cut inside its first three bytes reads what follows it, and any length is too long.
  const keyEnd = start + keyAt + (((bytes[start + 1] ?? 0) << 8) | (bytes[start + 2] ?? 0));
  return keyEnd <= end ? keyEnd : -1;
}

/** Undefined where the text is not the shortest one of a safe integer, as "07", "1e3" and "-0". */
function counterOf(value: string): number | undefined {
  if (value.length > counterTextMax) return undefined;
  const counter = Number(value);
  return Number.isSafeInteger(counter) && String(counter) === value ? counter : undefined;
}

function writeAnswerInto(target: Uint8Array, status: number, of: Readonly<StoredValue>): void {
  target[0] = status;
  writeInt64Into(target, resultVersionAt, of.version);
  writeInt64Into(target, resultRevisionAt, of.revision);
}

/** By code units, which are the keys' bytes: the same on every replica, whatever its locale. */
function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
