/**
 * A fast oracle for long histories, of which the search of `linearizability.ts` is not capable: it
 * believes the log index that every answered write and every linearizable read names, and checks
 * that those indexes are an order that explains the history. For the operations of one group:
 *
 *   order    if A returned before B was called, then index(A) <= index(B), and index(A) < index(B)
 *            where B is a write: its entry came to the log after all that A knew of
 *   unique   no two entries have the same index
 *   value    a read at index i returns the value of the last write to its key at or below i among
 *            the answered ones, or that of an unknown write that can have come between; such a
 *            write takes effect at one index at most, and a refused one never
 *
 * Where all that holds, the operations in the order of their indexes are a linearization. It needs
 * indexes and, for each key, unique values. What it does not look at: whether a compare-and-swap of
 * unknown outcome, whose value was seen, found what it expected; and whether unknown writes of
 * several keys have room at the few indexes that are left to them together. O(n log n).
 */
import type { GroupId, Index } from "../../base/index.ts";
import { byGroup, indexed, isWrite } from "./finding.ts";
import type { Finding, Indexed } from "./finding.ts";
import { eachWithNewestBefore } from "./index-order.ts";
import { checkTimeline } from "./key-timeline.ts";
import type { TimelineContext } from "./key-timeline.ts";
import type { Operation } from "./operation.ts";
import { byKey } from "./register.ts";

/**
 * Everything in which indexes and answers contradict each other. Local reads are left out: see
 * `checkLocalReads`.
 * @throws HistoryInvalid where an answer has no index or two writes of a key the same value
 */
export function checkIndexes(operations: readonly Operation[]): Finding[] {
  const newest = operations.filter(({ kind }) => kind !== "getLocal");
  return [...byGroup(newest)].flatMap(([group, all]) => {
    const answered = indexed(all);
    const context = timelineContext(all);
    const timelines = byKey(all).flatMap(({ of }) => checkTimeline(of, indexed(of), context));
    return [...checkUnique(group, answered), ...checkOrder(answered), ...timelines];
  });
}

/** What is known of a group beyond one of its keys. `all` are its operations, but local reads. */
export function timelineContext(all: readonly Operation[]): TimelineContext {
  const answered = indexed(all);
  const entries = answered.filter(isEntry).map(({ index }) => index);
  const sorted = Float64Array.from(entries).sort();
  const floors = new Map<Operation, Index>();
  const unknown = all.filter(({ result }) => result === "unknown");
  eachWithNewestBefore(answered, unknown, (operation, { index }) => floors.set(operation, index));
  return {
    entriesBetween: (from, to) => countBelow(sorted, to) - countBelow(sorted, from),
    floorOf: (write) => floors.get(write) ?? 0,
  };
}

function isEntry({ operation }: Indexed): boolean {
  return isWrite(operation);
}

function checkUnique(group: GroupId, answered: readonly Indexed[]): Finding[] {
  const entries = new Map<Index, Operation>();
  return answered.filter(isEntry).flatMap(({ operation, index }) => {
    const other = entries.get(index);
    entries.set(index, operation);
    if (other === undefined) return [];
    const fault = `two entries at index ${index}`;
    return [{ rule: "unique", group, operations: [other, operation], fault }];
  });
}

function checkOrder(answered: readonly Indexed[]): Finding[] {
  return findReversals(
    answered,
    answered.map(({ operation }) => operation),
  );
}

/** Those of `later` whose index is too low for what had returned before they were called. */
export function findReversals(earlier: readonly Indexed[], later: readonly Operation[]): Finding[] {
  const findings: Finding[] = [];
  eachWithNewestBefore(earlier, later, (operation, newest) => {
    const { index = 0, group } = operation;
    if (isWrite(operation) ? index > newest.index : index >= newest.index) return;
    const fault = `index ${index} was answered to a call made after ${newest.index} was known`;
    findings.push({ rule: "order", group, operations: [newest.operation, operation], fault });
  });
  return findings;
}

/** How many of the sorted values are below a limit. */
function countBelow(sorted: Float64Array, limit: number): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] ?? 0) < limit) from = middle + 1;
    else to = middle;
  }
  return from;
}
