/**
 * Runs a state machine the way a shard does, without the shard: commands are laid into a block and
 * applied in place, one Entry object serves them all, a result is copied before the next call, and
 * afterwards the block's memory is overwritten. A machine that keeps a view on memory it was lent
 * fails its test here.
 */
import { assert } from "../../../src/base/index.ts";
import type { Index } from "../../../src/base/index.ts";
import type { Entry, GroupCalls, StateMachine } from "../../../src/engine/index.ts";
import { EntryCursor, encodeEntries } from "../../../src/raft/index.ts";

export const timeMsOf = (index: Index): number => 1_700_000_000_000 + index;

class LentEntry implements Entry {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  index = 0;
  term = 1;
  timeMs = 0;

  get command(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }
}

const entry = new LentEntry();
const cursor = new EntryCursor();

/**
 * Applies commands as one block whose first entry has the index `first`; returns a copy of each
 * result.
 */
export function applyBlock(
  machine: StateMachine,
  commands: readonly Uint8Array[],
  first: Index,
): Uint8Array[] {
  const laid = encodeEntries(commands);
  // The memory of a block is sometimes a Buffer, sometimes not, and rarely begins where its
  // ArrayBuffer does.
  const memory = new Uint8Array(laid.length + 16);
  memory.set(laid, 8);
  entry.bytes =
    first % 2 === 0
      ? memory.subarray(8, 8 + laid.length)
      : Buffer.from(memory.buffer, 8, laid.length);
  cursor.reset(entry.bytes);
  const results: Uint8Array[] = [];
  for (let index = first; cursor.next(); index += 1) {
    entry.start = cursor.start;
    entry.end = cursor.end;
    entry.index = index;
    entry.timeMs = timeMsOf(index);
    results.push(new Uint8Array(machine.apply(entry) ?? new Uint8Array(0)));
  }
  assert(cursor.done, "the block is whole");
  memory.fill(0xee);
  return results;
}

export function applyOne(machine: StateMachine, command: Uint8Array, index: Index): Uint8Array {
  const [result] = applyBlock(machine, [command], index);
  assert(result !== undefined, "one command has one result");
  return result;
}

/** A group of one replica: whatever is proposed is committed. */
export class LocalGroup implements GroupCalls {
  readonly machine: StateMachine;
  index: Index = 0;
  /** The options of the last call. */
  options: unknown = undefined;

  constructor(machine: StateMachine) {
    this.machine = machine;
  }

  propose: GroupCalls["propose"] = async (_group, command, options) => {
    this.options = options;
    this.index += 1;
    return { index: this.index, value: applyOne(this.machine, command, this.index) };
  };

  proposeBatch: GroupCalls["proposeBatch"] = async (group, commands, options) =>
    await Promise.all(commands.map((command) => this.propose(group, command, options)));

  read: GroupCalls["read"] = async (_group, query, options) => {
    this.options = options;
    return { index: this.index, value: this.#query(query) };
  };

  readBatch: GroupCalls["readBatch"] = async (_group, queries, options) => {
    this.options = options;
    return { index: this.index, values: queries.map((query) => this.#query(query)) };
  };

  readLocal: GroupCalls["readLocal"] = async (_group, query) => {
    return { appliedIndex: this.index, ageMs: 7, value: this.#query(query) };
  };

  #query(query: Uint8Array): Uint8Array {
    return new Uint8Array(this.machine.query(query) ?? new Uint8Array(0));
  }
}
