/**
 * What one key held at each index, pieced together from writes and reads that name their index, and
 * every read that does not fit into it.
 *
 *      index      5       6       7       8       9
 *      entries    put a           ?               put b
 *      reads          a               u       u       b        u's write, of unknown outcome,
 *                                                              is at 7 or 8 and nowhere else
 *
 * Needs values that are unique for their key.
 */
import type { Index } from "../../base/index.ts";
import { isWrite, valueSeen } from "./finding.ts";
import type { Finding, Indexed, WriteOperation } from "./finding.ts";
import { HistoryInvalid } from "./history-format.ts";
import { isAnswered, show } from "./operation.ts";
import type { Operation, Value } from "./operation.ts";

export interface TimelineContext {
  /** How many entries are known at indexes of [from, to), of all keys of the group. */
  entriesBetween(from: Index, to: Index): number;
  /** An unknown write cannot be at or below this index: that was over when it was called. */
  floorOf(write: Operation): Index;
}

/** A value that was set or seen, between two entries of the log. */
interface Moment {
  /** Twice the index for an entry, one more for the state after it. */
  readonly position: number;
  readonly value: Value;
  readonly isWrite: boolean;
  readonly of: Indexed;
}

/** `operations` are all those of one key; `answered` those that have an index. */
export function checkTimeline(
  operations: readonly Operation[],
  answered: readonly Indexed[],
  context: TimelineContext,
): Finding[] {
  const timeline = new Timeline(writersOf(operations), context);
  const moments = answered.flatMap(momentsOf).sort((a, b) => a.position - b.position);
  for (const moment of moments) timeline.take(moment);
  return timeline.findings;
}

function momentsOf(of: Indexed): Moment[] {
  const { operation, index } = of;
  const seen = valueSeen(operation);
  const swapped = operation.kind === "cas" && isSwapped(operation);
  const before: Moment[] =
    seen === undefined
      ? []
      : [{ position: swapped ? 2 * index - 1 : 2 * index + 1, value: seen, isWrite: false, of }];
  if (!swapped && operation.kind !== "put") return before;
  return [...before, { position: 2 * index, value: operation.arguments.value, isWrite: true, of }];
}

function isSwapped({ result }: Extract<Operation, { kind: "cas" }>): boolean {
  return isAnswered(result) && result.success;
}

function writersOf(operations: readonly Operation[]): Map<string, WriteOperation> {
  const writers = new Map<string, WriteOperation>();
  for (const operation of operations) {
    if (!isWrite(operation)) continue;
    const { value } = operation.arguments;
    if (writers.has(value)) {
      const { group, key } = operation;
      throw new HistoryInvalid(
        `two writes of group ${group}, key ${show(key)} have the same value ${show(value)}`,
      );
    }
    writers.set(value, operation);
  }
  return writers;
}

class Timeline {
  readonly findings: Finding[] = [];
  private readonly writers: ReadonlyMap<string, WriteOperation>;
  private readonly context: TimelineContext;
  /** Values of unknown writes that were seen, and so have taken effect. */
  private readonly effective: Set<Value> = new Set();
  private value: Value = null;
  /** The latest index at which the key is known to hold `value`. */
  private index: Index = 0;
  private source: Operation | undefined;

  constructor(writers: ReadonlyMap<string, WriteOperation>, context: TimelineContext) {
    this.writers = writers;
    this.context = context;
  }

  take({ position, value, isWrite: isEntry, of: { operation, returnUs } }: Moment): void {
    const index = Math.floor(position / 2);
    if (!isEntry && value !== this.value) {
      const fault = this.faultOf(value, index, returnUs);
      if (fault !== undefined) {
        this.report(operation, fault);
        return;
      }
      this.effective.add(value);
    }
    this.value = value;
    this.index = index;
    this.source = operation;
  }

  /** Why an unknown write cannot have set `value` at an index of (this.index, index]. */
  private faultOf(value: Value, index: Index, returnUs: number): string | undefined {
    const held = `at index ${index} the key held ${show(this.value)}`;
    const writer = value === null ? undefined : this.writers.get(value);
    if (writer === undefined) return `${held}; nobody wrote ${show(value)}`;
    if (writer.result === "none") return `${held}; the write of ${show(value)} was refused`;
    if (isAnswered<unknown>(writer.result)) {
      if (writer.kind === "cas" && !isSwapped(writer)) {
        return `${held}; the compare-and-swap to ${show(value)} was refused`;
      }
      return `${held}; ${show(value)} was written at index ${writer.index}`;
    }
    if (this.effective.has(value)) return `${held}; the write of ${show(value)} took effect before`;
    if (writer.callUs > returnUs) return `${held}; ${show(value)} was written only afterwards`;
    const first = Math.max(this.index, this.context.floorOf(writer)) + 1;
    const places = index + 1 - first - this.context.entriesBetween(first, index + 1);
    return places > 0 ? undefined : `${held}; there is no place for the write of ${show(value)}`;
  }

  private report(operation: Operation, fault: string): void {
    const { group } = operation;
    const operations = this.source === undefined ? [operation] : [this.source, operation];
    this.findings.push({ rule: "value", group, operations, fault });
  }
}
