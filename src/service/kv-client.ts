import type { GroupId, Index } from "../base/index.ts";
import type { CallOptions, GroupCalls } from "../engine/index.ts";
import {
  encodeCompareAndSet,
  encodeDelete,
  encodeGet,
  encodeIncrement,
  encodePut,
  encodeSize,
} from "./kv-command.ts";
import type { KvBytes } from "./kv-command.ts";
import {
  decodeGetAnswer,
  decodeIncrementResult,
  decodeSizeAnswer,
  decodeWriteResult,
} from "./kv-result.ts";
import type { KvIncrementResult, KvRecord, KvWriteResult } from "./kv-result.ts";

/** What this replica knows, with how far it has applied the log. */
export interface KvLocalRecord {
  /** Undefined where the key does not exist here. */
  readonly record: KvRecord | undefined;
  readonly appliedIndex: Index;
}

/**
 * One group that runs the key-value machine, as methods. Refusals are results (`ok: false`), for
 * which every caller has to look; errors are those of the engine, and ERR_OPTION_INVALID for
 * arguments that cannot be a command.
 */
export class KeyValueGroup {
  readonly group: GroupId;
  readonly #engine: GroupCalls;

  constructor(engine: GroupCalls, group: GroupId) {
    this.#engine = engine;
    this.group = group;
  }

  async put(key: KvBytes, value: KvBytes, options?: CallOptions): Promise<KvWriteResult> {
    return decodeWriteResult(await this.#propose(encodePut(key, value), options));
  }

  /** Refused with `missing` where the key does not exist. */
  async delete(key: KvBytes, options?: CallOptions): Promise<KvWriteResult> {
    return decodeWriteResult(await this.#propose(encodeDelete(key), options));
  }

  /**
   * Sets the key if nobody has written it since `expectedRevision`, as `get` or an earlier write
   * returned it; 0 stands for "it does not exist". Refused with `mismatch` and the present
   * revision.
   */
  async compareAndSet(
    key: KvBytes,
    expectedRevision: Index,
    value: KvBytes,
    options?: CallOptions,
  ): Promise<KvWriteResult> {
    const command = encodeCompareAndSet(key, expectedRevision, value);
    return decodeWriteResult(await this.#propose(command, options));
  }

  /** Adds to a counter. Refused with `notInteger` or `overflow`; the key then keeps its value. */
  async increment(
    key: KvBytes,
    delta: number = 1,
    options?: CallOptions,
  ): Promise<KvIncrementResult> {
    return decodeIncrementResult(await this.#propose(encodeIncrement(key, delta), options));
  }

  /** The newest value (linearizable), or undefined where the key does not exist. */
  async get(key: KvBytes, options?: CallOptions): Promise<KvRecord | undefined> {
    const { value } = await this.#engine.read(this.group, encodeGet(key), options);
    return decodeGetAnswer(value);
  }

  /** The value as this node's replica knows it, which may be old. */
  async getLocal(key: KvBytes): Promise<KvLocalRecord> {
    const { value, appliedIndex } = await this.#engine.readLocal(this.group, encodeGet(key));
    return { record: decodeGetAnswer(value), appliedIndex };
  }

  /** Number of keys (linearizable). */
  async size(options?: CallOptions): Promise<number> {
    const { value } = await this.#engine.read(this.group, encodeSize(), options);
    return decodeSizeAnswer(value);
  }

  async #propose(command: Uint8Array, options: CallOptions | undefined): Promise<Uint8Array> {
    const { value } = await this.#engine.propose(this.group, command, options);
    return value;
  }
}
