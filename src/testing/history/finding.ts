/** What the checks by log index find, and what they need of a history. */
import type { GroupId, Index } from "../../base/index.ts";
import { HistoryInvalid } from "./history-format.ts";
import { describeOperation, isAnswered, show } from "./operation.ts";
import type { CasOperation, Operation, PutOperation, Value } from "./operation.ts";

export type FindingRule =
  /** Of two operations one after the other, the later has the lower index. */
  | "order"
  /** Two entries at one index. */
  | "unique"
  /** A read is not what the log holds for its key at its index. */
  | "value"
  /** A later local read of a session saw an older state of the same node. */
  | "session";

export interface Finding {
  readonly rule: FindingRule;
  readonly group: GroupId;
  /** The operations that contradict each other, the later one last. */
  readonly operations: readonly Operation[];
  /** In words, without the operations. */
  readonly fault: string;
}

/** An operation whose answer named an index. */
export interface Indexed<Op extends Operation = Operation> {
  readonly operation: Op;
  readonly index: Index;
  readonly returnUs: number;
}

export type WriteOperation = PutOperation | CasOperation;

export function describeFinding({ rule, group, operations, fault }: Finding): string {
  const lines = operations.map((one) => `  key ${show(one.key)}: ${describeOperation(one)}`);
  return [`group ${group}: ${rule}: ${fault}`, ...lines].join("\n");
}

export function isWrite(operation: Operation): operation is WriteOperation {
  return operation.kind === "put" || operation.kind === "cas";
}

/** What an answered operation saw before it did anything; undefined where it saw nothing. */
export function valueSeen({ result }: Operation): Value | undefined {
  if (typeof result === "string") return undefined;
  return "value" in result ? result.value : result.previous;
}

/**
 * The answered operations with their indexes.
 * @throws HistoryInvalid where an answer has none
 */
export function indexed<Op extends Operation>(operations: readonly Op[]): Indexed<Op>[] {
  return operations.flatMap((operation) => {
    const { result, index, returnUs } = operation;
    if (!isAnswered<unknown>(result)) return [];
    if (index === undefined || returnUs === undefined) {
      throw new HistoryInvalid(`an answer has no index: ${describeOperation(operation)}`);
    }
    return [{ operation, index, returnUs }];
  });
}

export function byGroup<Op extends Operation>(operations: readonly Op[]): Map<GroupId, Op[]> {
  const groups = new Map<GroupId, Op[]>();
  for (const operation of operations) {
    const known = groups.get(operation.group);
    if (known === undefined) groups.set(operation.group, [operation]);
    else known.push(operation);
  }
  return groups;
}
