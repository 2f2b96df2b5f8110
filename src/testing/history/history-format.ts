/**
 * Histories as text: JSON lines, one operation a line; `test/README.md` has the table of fields.
 * Bytes from outside are hostile: every field is checked, unknown ones are faults, and so is a line
 * that was cut short.
 */
import { isGroupId, isNodeId } from "../../base/index.ts";
import type { GroupId, NodeId } from "../../base/index.ts";
import { isAnswered, operationKinds } from "./operation.ts";
import type { Operation, ReadValue, Swapped, Unanswered, Value } from "./operation.ts";

/** Text that is no history, or a history that a checker cannot judge. */
export class HistoryInvalid extends Error {
  override readonly name: string = "HistoryInvalid";
  /** Counted from 1; undefined where no single line is at fault. */
  readonly line: number | undefined;

  constructor(fault: string, line?: number) {
    super(line === undefined ? fault : `line ${line}: ${fault}`);
    this.line = line;
  }
}

/** One line, without its end. */
export function formatOperation(operation: Operation): string {
  const { client, group, key, callUs, returnUs, kind, result, index } = operation;
  // Fields that are undefined are left out.
  return JSON.stringify({
    client,
    group,
    key,
    call: callUs,
    return: returnUs,
    kind,
    arguments: operation.arguments,
    result,
    index,
  });
}

/**
 * Reads a history line by line; empty lines are allowed and counted.
 * @throws HistoryInvalid
 */
export function parseHistory(text: string): Operation[] {
  const operations: Operation[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    if (line.trim() !== "") operations.push(parseOperation(line, at + 1));
  }
  return operations;
}

/** @throws HistoryInvalid */
export function parseOperation(text: string, line: number): Operation {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new HistoryInvalid("not JSON", line);
  }
  return new LineReader(line, "the line", parsed).operation();
}

type Fields = Readonly<Record<string, unknown>>;
type Session = Pick<Operation, "client" | "group" | "key" | "callUs" | "returnUs" | "index">;

/** Characters of a faulty field that its error shows. */
const shownMax = 60;

const operationFields = [
  "client",
  "group",
  "key",
  "call",
  "return",
  "kind",
  "arguments",
  "result",
  "index",
];

/** An object of one line, whose fields are taken one after another. */
class LineReader {
  private readonly line: number;
  private readonly fields: Fields;

  constructor(line: number, what: string, value: unknown) {
    this.line = line;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new HistoryInvalid(`${what} is no object`, line);
    }
    this.fields = { ...value };
  }

  operation(): Operation {
    this.only(operationFields);
    const operation = this.asked();
    const answered = isAnswered<unknown>(operation.result);
    if (answered && operation.returnUs === undefined) {
      throw this.fault("return", "missing beside a result");
    }
    if (!answered && operation.index !== undefined) {
      throw this.fault("index", "given without a result");
    }
    return operation;
  }

  private asked(): Operation {
    const session = this.session();
    const given = this.inner("arguments");
    const { result } = this.fields;
    const kind = operationKinds.find((one) => one === this.fields["kind"]);
    switch (kind) {
      case "put": {
        given.only(["value"]);
        if (result !== "done" && !isUnanswered(result)) throw this.fault("result", "not a put's");
        return { ...session, kind, arguments: { value: given.text("value") }, result };
      }
      case "get": {
        given.only([]);
        return { ...session, kind, arguments: {}, result: this.valueRead() };
      }
      case "getLocal": {
        given.only(["node", "life"]);
        const place = { node: given.node(), life: given.integer("life", 0) };
        return { ...session, kind, arguments: place, result: this.valueRead() };
      }
      case "cas": {
        given.only(["expected", "value"]);
        const change = { expected: given.value("expected"), value: given.text("value") };
        return { ...session, kind, arguments: change, result: this.swapped() };
      }
      case undefined:
        throw this.fault("kind", `not one of ${operationKinds.join(", ")}`);
    }
  }

  private session(): Session {
    const callUs = this.integer("call", 0);
    const { return: returned, index } = this.fields;
    return {
      client: this.client(),
      group: this.group(),
      key: this.text("key"),
      callUs,
      returnUs: returned === undefined ? undefined : this.integer("return", callUs),
      ...(index === undefined ? {} : { index: this.integer("index", 0) }),
    };
  }

  private valueRead(): ReadValue | Unanswered {
    const { result } = this.fields;
    if (isUnanswered(result)) return result;
    const answer = this.inner("result");
    answer.only(["value"]);
    return { value: answer.value("value") };
  }

  private swapped(): Swapped | Unanswered {
    const { result } = this.fields;
    if (isUnanswered(result)) return result;
    const answer = this.inner("result");
    answer.only(["success", "previous"]);
    const { success } = answer.fields;
    if (typeof success !== "boolean") throw answer.fault("success", "not true or false");
    return { success, previous: answer.value("previous") };
  }

  private inner(name: string): LineReader {
    return new LineReader(this.line, name, this.fields[name]);
  }

  private client(): string | number {
    const { client } = this.fields;
    if (typeof client === "string") return client;
    if (typeof client === "number" && Number.isSafeInteger(client)) return client;
    throw this.fault("client", "neither text nor an integer");
  }

  private group(): GroupId {
    const { group } = this.fields;
    if (isGroupId(group)) return group;
    throw this.fault("group", "not an integer from 0 to 4,294,967,295");
  }

  private node(): NodeId {
    const { node } = this.fields;
    if (isNodeId(node)) return node;
    throw this.fault("node", "not a node's id");
  }

  private integer(name: string, min: number): number {
    const value = this.fields[name];
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min) return value;
    throw this.fault(name, `not a safe integer of at least ${min}`);
  }

  private text(name: string): string {
    const value = this.fields[name];
    if (typeof value === "string") return value;
    throw this.fault(name, "not text");
  }

  private value(name: string): Value {
    return this.fields[name] === null ? null : this.text(name);
  }

  private only(known: readonly string[]): void {
    const unknown = Object.keys(this.fields).find((name) => !known.includes(name));
    if (unknown !== undefined) throw new HistoryInvalid(`unknown field "${unknown}"`, this.line);
  }

  private fault(name: string, fault: string): HistoryInvalid {
    const found = JSON.stringify(this.fields[name]) ?? "nothing";
    const shown = found.length > shownMax ? `${found.slice(0, shownMax)}…` : found;
    return new HistoryInvalid(`"${name}" is ${fault}: ${shown}`, this.line);
  }
}

function isUnanswered(result: unknown): result is Unanswered {
  return result === "unknown" || result === "none";
}
