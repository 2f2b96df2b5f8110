/** What the clients of a run were told, judged: nothing of the engine is looked at here. */
import {
  checkIndexes,
  checkLocalReads,
  checkRegisters,
  describeFinding,
  describeViolation,
} from "../history/index.ts";
import type { GroupId } from "../../base/index.ts";
import type { Operation, Unanswered, Value } from "../history/index.ts";
import { groupsByBirth } from "./history.ts";
import type { Recorded } from "./history.ts";
import type { Tally } from "./tally.ts";
import { Violation } from "./violation.ts";

/** Of the search for an order, for each key; keys beyond it are judged by their indexes alone. */
const stepsMax = 200_000;

/** Throws where no order of the operations could have given these answers. */
export function checkHistory(recorded: readonly Recorded[], tally: Tally): void {
  const operations = operationsOf(recorded);
  const [finding] = [...checkIndexes(operations), ...checkLocalReads(operations)];
  if (finding !== undefined) throw new Violation("client-history", describeFinding(finding));
  const { keys, violations, undecided } = checkRegisters(operations, stepsMax);
  const [violation] = violations;
  if (violation !== undefined) {
    throw new Violation("linearizability", describeViolation(violation));
  }
  tally.count("keys searched for an order", keys);
  tally.count("keys too large to search", undecided.length);
}

/** In the format of histories. What threw in the state machine has no place there. */
export function operationsOf(recorded: readonly Recorded[]): Operation[] {
  const groupOf = groupsByBirth();
  return recorded.flatMap((one) => {
    const operation = operationOf(one, groupOf(one));
    return operation === undefined ? [] : [operation];
  });
}

function operationOf(recorded: Recorded, group: GroupId): Operation | undefined {
  const { node, key, callUs, returnUs, index, life } = recorded;
  const [first = "", second = ""] = recorded.arguments;
  const asked = { client: node, group, key, callUs, returnUs, index };
  switch (recorded.kind) {
    case "put":
      return {
        ...asked,
        kind: "put",
        arguments: { value: first },
        result: told(recorded, () => "done"),
      };
    case "get":
      return { ...asked, kind: "get", arguments: {}, result: told(recorded, readValue) };
    case "local":
      return {
        ...asked,
        kind: "getLocal",
        arguments: { node, life },
        result: told(recorded, readValue),
      };
    case "cas":
      return {
        ...asked,
        kind: "cas",
        arguments: { expected: first, value: second },
        result: told(recorded, swapped),
      };
    case "command":
    case "query":
    case "localQuery":
      return undefined;
  }
}

function told<Result>(
  { outcome, result }: Recorded,
  read: (result: string) => Result,
): Result | Unanswered {
  if (outcome === "ok") return read(result ?? "");
  return outcome === "none" ? "none" : "unknown";
}

function readValue(result: string): { value: Value } {
  return { value: valueOf(result) };
}

function swapped(result: string): { success: boolean; previous: Value } {
  const [flag = "", previous = ""] = result.split(" ");
  return { success: flag === "1", previous: valueOf(previous) };
}

/** The register machine says "-" where there is none. */
function valueOf(text: string): Value {
  return text === "-" ? null : text;
}
