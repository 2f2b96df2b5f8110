/** How a load calls the engine. */
import { engineOptionTable } from "../../../src/index.ts";
import type { CallOptions } from "../../../src/index.ts";
import { Commands } from "./commands.ts";
import type { Target, Work } from "./load.ts";

/** Room that a command needs in a batch beside its own bytes, the key of a put included. */
const overheadBytes = 64;

export interface Calls {
  /** Whether the last call was a read. */
  readonly reads: boolean;
  /** Calls for `count` of a group's clients, from `first` on. */
  call(group: number, first: number, count: number): Promise<unknown>;
}

export function callsFor(target: Target, work: Work): Calls {
  const writes = new Proposals(target, work);
  if (work.readRatio === 0) return writes;
  const reads = new Reads(target, work);
  return work.readRatio === 1 ? reads : new Mixture(reads, writes, work.readRatio);
}

/** The most commands that one call takes. */
export function batchMaxOf({ batchMax, valueBytes }: Work): number {
  const room = engineOptionTable.commandBytesMax.default;
  return Math.max(1, Math.min(batchMax, Math.floor(room / (valueBytes + overheadBytes))));
}

class Proposals implements Calls {
  readonly reads = false;
  private readonly engine: Target["engine"];
  private readonly commands: Commands;
  private readonly options: CallOptions | undefined;

  constructor({ engine, machine }: Target, { valueBytes, forward }: Work) {
    this.engine = engine;
    this.options = forward === true ? { forward } : undefined;
    this.commands = new Commands(machine, valueBytes);
  }

  call(group: number, first: number, count: number): Promise<unknown> {
    if (count === 1) return this.engine.propose(group, this.commands.one(first), this.options);
    const commands = this.commands.range(first, count);
    this.commands.stamp(commands[0]);
    return this.engine.proposeBatch(group, commands, this.options);
  }
}

class Reads implements Calls {
  readonly reads = true;
  private readonly engine: Target["engine"];
  private readonly query: Uint8Array;
  /** The same query again and again, as often as one call asks. */
  private readonly batches: Map<number, readonly Uint8Array[]> = new Map();
  private readonly local: boolean;

  constructor({ engine, machine }: Target, { valueBytes, consistency }: Work) {
    this.engine = engine;
    this.query = new Commands(machine, valueBytes).query(0);
    this.local = consistency === "local";
  }

  call(group: number, _first: number, count: number): Promise<unknown> {
    if (this.local) return this.engine.readLocal(group, this.query);
    if (count === 1) return this.engine.read(group, this.query);
    let batch = this.batches.get(count);
    if (batch === undefined) {
      batch = Array.from({ length: count }, () => this.query);
      this.batches.set(count, batch);
    }
    return this.engine.readBatch(group, batch);
  }
}

/** Reads and writes in their ratio, evenly mixed; each is a call of its own. */
class Mixture implements Calls {
  reads = false;
  private readonly reading: Calls;
  private readonly writing: Calls;
  private readonly readRatio: number;
  private owed = 0;

  constructor(reads: Calls, writes: Calls, readRatio: number) {
    this.reading = reads;
    this.writing = writes;
    this.readRatio = readRatio;
  }

  call(group: number, first: number): Promise<unknown> {
    this.owed += this.readRatio;
    this.reads = this.owed >= 1;
    if (!this.reads) return this.writing.call(group, first, 1);
    this.owed -= 1;
    return this.reading.call(group, first, 1);
  }
}
