/**
 * What a local read promises, which is less than linearizability: it returns a state that once
 * existed, perhaps an old one. By the index that it names:
 *
 *   value     it returns what its key held at that index, by all that writes and reads tell
 *   order     it is not ahead of its time: a later call, of anybody, is answered at no lower index
 *   session   reads of one client from one life of one node, one after the other, never go back
 *
 * Over a restart of its node a session may go back: a replica comes up with what it had applied
 * when it wrote that down.
 */
import { byGroup, indexed } from "./finding.ts";
import type { Finding, Indexed } from "./finding.ts";
import { eachWithNewestBefore } from "./index-order.ts";
import { findReversals, timelineContext } from "./index-oracle.ts";
import { checkTimeline } from "./key-timeline.ts";
import { isAnswered } from "./operation.ts";
import type { LocalGetOperation, Operation } from "./operation.ts";
import { byKey } from "./register.ts";

/** @throws HistoryInvalid where an answer has no index or two writes of a key the same value */
export function checkLocalReads(operations: readonly Operation[]): Finding[] {
  return [...byGroup(operations).values()].flatMap((all) => {
    const local = all.filter(isLocal);
    if (local.length === 0) return [];
    const newest = all.filter((operation) => !isLocal(operation));
    const context = timelineContext(newest);
    const timelines = byKey(all)
      .flatMap(({ of }) => checkTimeline(of, indexed(of), context))
      // The others are faults of the newest state, which `checkIndexes` finds.
      .filter((finding) => finding.operations.some(isLocal));
    const answered = newest.filter(({ result }) => isAnswered<unknown>(result));
    return [...timelines, ...findReversals(indexed(local), answered), ...checkSessions(local)];
  });
}

function isLocal(operation: Operation): operation is LocalGetOperation {
  return operation.kind === "getLocal";
}

function checkSessions(local: readonly LocalGetOperation[]): Finding[] {
  const sessions = new Map<string, Indexed<LocalGetOperation>[]>();
  for (const read of indexed(local)) {
    const { client, arguments: place } = read.operation;
    const name = JSON.stringify([client, place.node, place.life]);
    const known = sessions.get(name);
    if (known === undefined) sessions.set(name, [read]);
    else known.push(read);
  }
  const findings: Finding[] = [];
  for (const reads of sessions.values()) {
    const later = reads.map(({ operation }) => operation);
    eachWithNewestBefore(reads, later, (operation, newest) => {
      const { index = 0, group } = operation;
      if (index >= newest.index) return;
      const fault = `index ${index} after ${newest.index}`;
      findings.push({ rule: "session", group, operations: [newest.operation, operation], fault });
    });
  }
  return findings;
}
