/**
 * One operation of a client, as that client saw it: when it called, when it had its answer, and
 * what the answer said. A history is a list of them in any order; `history-format.ts` has them as
 * text. Times are µs of one clock that all clients share.
 */
import type { GroupId, Index, NodeId } from "../../base/index.ts";

/** What a key holds; null where it does not exist. */
export type Value = string | null;

/**
 * In the place of a result: `unknown`, it may have taken effect at any time after its call, or
 * never, or may yet; `none`, it was refused and surely has no effect, now or later.
 */
export type Unanswered = "unknown" | "none";

interface Asked<Kind extends string, Arguments, Result> {
  /** Whose session it was: one after the other, but for what had an unknown outcome. */
  readonly client: string | number;
  readonly group: GroupId;
  readonly key: string;
  readonly callUs: number;
  /** Undefined where the client never heard of it again. */
  readonly returnUs: number | undefined;
  readonly kind: Kind;
  readonly arguments: Arguments;
  readonly result: Result | Unanswered;
  /**
   * The log index that the answer named: a write's own entry, or for a read how far the state that
   * it saw had applied the log.
   */
  readonly index?: Index | undefined;
}

export interface ReadValue {
  readonly value: Value;
}

export interface Swapped {
  readonly success: boolean;
  /** What the key held before: the expected value where it was swapped. */
  readonly previous: Value;
}

export type PutOperation = Asked<"put", { readonly value: string }, "done">;
/** Linearizable. */
export type GetOperation = Asked<"get", Readonly<Record<never, never>>, ReadValue>;
/** From one node's replica, which may be old. `life` counts the starts of that node. */
export type LocalGetOperation = Asked<
  "getLocal",
  { readonly node: NodeId; readonly life: number },
  ReadValue
>;
/** Sets `value` if the key holds `expected`. */
export type CasOperation = Asked<
  "cas",
  { readonly expected: Value; readonly value: string },
  Swapped
>;

export type Operation = PutOperation | GetOperation | LocalGetOperation | CasOperation;

export const operationKinds = ["put", "get", "getLocal", "cas"] as const;

export function isAnswered<Result>(result: Result | Unanswered): result is Result {
  return result !== "unknown" && result !== "none";
}

/** One line, for people: `n1 put("7"), called 12, answered 30: done at index 5`. */
export function describeOperation(operation: Operation): string {
  const { client, callUs, returnUs, index } = operation;
  const answered = returnUs === undefined ? "never answered" : `answered ${returnUs}`;
  const at = index === undefined ? "" : ` at index ${index}`;
  const what = `${operation.kind}(${describeArguments(operation)})`;
  return `${client} ${what}, called ${callUs}, ${answered}: ${describeResult(operation)}${at}`;
}

function describeArguments(operation: Operation): string {
  switch (operation.kind) {
    case "put":
      return show(operation.arguments.value);
    case "get":
      return "";
    case "getLocal":
      return `${operation.arguments.node}, life ${operation.arguments.life}`;
    case "cas":
      return `${show(operation.arguments.expected)} to ${show(operation.arguments.value)}`;
  }
}

function describeResult({ result }: Operation): string {
  if (typeof result === "string") return result;
  if ("value" in result) return show(result.value);
  return `${result.success ? "swapped" : "refused"}, was ${show(result.previous)}`;
}

export function show(value: Value): string {
  return JSON.stringify(value);
}
