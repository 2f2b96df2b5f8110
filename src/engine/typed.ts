/**
 * Types over the bytes of a state machine: `defineStateMachine` makes one from functions that take
 * and return plain data, and `typedGroup` calls it with the types of that definition. In between,
 * commands, queries, results and answers are CBOR: numbers, strings, byte strings, booleans, null,
 * undefined, arrays and plain objects, up to 64 levels deep (`limits.documentDepthMax`). If a
 * result is anything else, the command was applied and its call fails with ERR_RESULT_INVALID.
 *
 * The types are trusted: whoever can propose to the group can propose bytes of any shape. A
 * definition whose group takes commands from elsewhere than `typedGroup`, or from another version
 * of the program, checks them in `parseCommand`.
 */
import { CommandRejected, RaftError, messageOf, optionError } from "../base/index.ts";
import type { GroupId, Index, Term } from "../base/index.ts";
import { promiseFault, resultInvalid } from "../shard/index.ts";
import type { CreateStateMachine, StateMachineContext } from "../shard/index.ts";
import { decodeDocument, encodeDocument } from "../wire/index.ts";
import type { PlainOf } from "./plain-data.ts";

/** What `apply` may know besides state and command; the same on every replica. */
export interface CommandMeta {
  readonly index: Index;
  readonly term: Term;
  /** The leader's wall clock when it accepted the command, in ms since 1970. May go backwards. */
  readonly timeMs: number;
}

export interface StateMachineDefinition<State, Command, Query, Result, Answer> {
  /** The state before the first command: an object that `apply` changes in place. */
  init(context: StateMachineContext): State;
  /**
   * Applies a command. Must be deterministic, as `StateMachine.apply` says, and synchronous. An
   * exception is the command's result, with outcome "unknown": what was changed before it stays
   * changed. Check first and throw `CommandRejected` for outcome "none", then change.
   */
  apply(state: State, command: Command, meta: CommandMeta): Result;
  /** Answers a query. Must not change the state. */
  query(state: State, query: Query): Answer;
  /** A hash over the whole state, equal on two replicas if and only if their states are. */
  digest?(state: State): string;
  /**
   * Checks decoded data and returns it as a command, or throws: the command is then rejected, with
   * outcome "none". Runs on every replica: as deterministic as `apply`.
   */
  parseCommand?(data: unknown): Command;
  /** Checks decoded data and returns it as a query, or throws. */
  parseQuery?(data: unknown): Query;
}

const notTyped = "none of a machine made by defineStateMachine";
const machineTypes: unique symbol = Symbol("types of a state machine");

/**
 * What a module exports as `createStateMachine`; `typedGroup<typeof createStateMachine>` reads its
 * types.
 */
export interface TypedStateMachine<Command, Query, Result, Answer> extends CreateStateMachine {
  /** Carries the types and no value. */
  readonly [machineTypes]:
    | {
        readonly command: Command;
        readonly query: Query;
        readonly result: Result;
        readonly answer: Answer;
      }
    | undefined;
}

type AnyTypedStateMachine = TypedStateMachine<unknown, unknown, unknown, unknown>;
type TypesOf<Machine extends AnyTypedStateMachine> = NonNullable<Machine[typeof machineTypes]>;

/**
 * Makes a state machine of plain data. Its types follow from the parameters of `apply` and `query`.
 * @example
 * export const createStateMachine = defineStateMachine({
 *   init: () => ({ total: 0 }),
 *   apply: (state, command: { add: number }) => (state.total += command.add),
 *   query: (state, _query: "total") => state.total,
 * });
 */
export function defineStateMachine<State, Command, Query, Result, Answer>(
  definition: StateMachineDefinition<State, Command, Query, Result, Answer> &
    PlainResults<State, Command, Query, Result, Answer>,
): TypedStateMachine<Command, Query, Result, Answer> {
  checkFunctions(
    "defineStateMachine",
    definition,
    ["init", "apply", "query"],
    ["digest", "parseCommand", "parseQuery"],
  );
  const parseCommand = definition.parseCommand?.bind(definition) ?? trusted<Command>;
  const parseQuery = definition.parseQuery?.bind(definition) ?? trusted<Query>;
  const digest = definition.digest?.bind(definition);
  const readCommand = (bytes: Uint8Array): Command => {
    try {
      // Decoded byte strings are views on what was decoded. The engine reuses an entry's memory, so
      // a state that keeps one would change under its owner; hence a copy. (`slice` would make none
      // if the bytes are a Buffer.)
      return parseCommand(decodeDocument(new Uint8Array(bytes)));
    } catch (cause) {
      throw new CommandRejected(messageOf(cause), { cause });
    }
  };
  const create: CreateStateMachine = (context) => {
    const state = definition.init(context);
    return {
      apply(entry) {
        const command = readCommand(entry.command);
        const { index, term, timeMs } = entry;
        return encodeResult(definition.apply(state, command, { index, term, timeMs }));
      },
      query(query) {
        return encodeAnswer(definition.query(state, parseQuery(decodeDocument(query))));
      },
      ...(digest === undefined ? {} : { digest: () => digest(state) }),
    };
  };
  return Object.assign(create, { [machineTypes]: undefined });
}

/** The command was applied by then: that its result is none must not look like a refusal. */
function encodeResult(result: unknown): Uint8Array {
  const fault = promiseFault(result);
  if (fault !== undefined) throw resultInvalid(fault);
  try {
    return encodeDocument(result);
  } catch (cause) {
    if (cause instanceof RaftError) throw resultInvalid("a result that is no plain data", cause);
    throw cause;
  }
}

function encodeAnswer(answer: unknown): Uint8Array {
  const fault = promiseFault(answer);
  if (fault !== undefined) throw new TypeError(`query returned ${fault}`);
  return encodeDocument(answer);
}

/**
 * Reads what `apply` returned.
 * @throws ERR_RESULT_INVALID, since the command was applied all the same
 */
function decodeResult(value: Uint8Array): unknown {
  try {
    return decodeDocument(value);
  } catch (cause) {
    const message = `The command was applied; its result is ${notTyped}: ${messageOf(cause)}`;
    throw new RaftError("ERR_RESULT_INVALID", message, { cause });
  }
}

/** @throws ERR_QUERY_FAILED */
function decodeAnswer(value: Uint8Array): unknown {
  try {
    return decodeDocument(value);
  } catch (cause) {
    const message = `The query's answer is ${notTyped}: ${messageOf(cause)}`;
    throw new RaftError("ERR_QUERY_FAILED", message, { cause });
  }
}

/** The result of `read`, or the error that it threw. */
function attempt<T>(read: () => T): T | RaftError {
  try {
    return read();
  } catch (error) {
    if (error instanceof RaftError) return error;
    throw error;
  }
}

/**
 * Does not compile if results or answers are not plain data: promises of an async `apply`, Dates,
 * Maps, Sets, functions.
 */
interface PlainResults<State, Command, Query, Result, Answer> {
  apply(state: State, command: Command, meta: CommandMeta): PlainOf<Result>;
  query(state: State, query: Query): PlainOf<Answer>;
}

/** The options of a proposal or read. */
export interface CallOptions {
  /** Deadline in ms, from 1 to 86,400,000. @default the engine's option `timeoutMs` */
  readonly timeoutMs?: number | undefined;
  /** Aborts the call: the caller waits no longer, and what is not in the log yet is dropped. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Pass the call to the leader if this node does not lead, and wait for a leader while none is
   * known. A local read ignores it. @default false
   */
  readonly forward?: boolean | undefined;
}

/**
 * The calls of an engine that speak to a state machine, in bytes. Wrappers take this and not the
 * engine.
 */
export interface GroupCalls {
  propose(group: GroupId, command: Uint8Array, options?: CallOptions): Promise<BytesResult>;
  proposeBatch(
    group: GroupId,
    commands: readonly Uint8Array[],
    options?: CallOptions,
  ): Promise<readonly (BytesResult | RaftError)[]>;
  read(group: GroupId, query: Uint8Array, options?: CallOptions): Promise<BytesResult>;
  readBatch(
    group: GroupId,
    queries: readonly Uint8Array[],
    options?: CallOptions,
  ): Promise<{ readonly index: Index; readonly values: readonly (Uint8Array | RaftError)[] }>;
  readLocal(
    group: GroupId,
    query: Uint8Array,
    options?: CallOptions,
  ): Promise<{
    readonly value: Uint8Array;
    readonly appliedIndex: Index;
    readonly ageMs: number;
  }>;
}

interface BytesResult {
  readonly index: Index;
  readonly value: Uint8Array;
}

/** A command's entry and what `apply` returned for it. */
export interface TypedProposed<Result> {
  /** Index of the entry in its group's log. */
  readonly index: Index;
  readonly result: Result;
}

/** One group, called in the types of its state machine. The calls are those of `Engine`. */
export interface TypedGroup<Machine extends AnyTypedStateMachine> {
  readonly group: GroupId;
  /** Resolves when the command is committed and applied here. */
  propose(
    command: TypesOf<Machine>["command"],
    options?: CallOptions,
  ): Promise<TypedProposed<TypesOf<Machine>["result"]>>;
  /** Several commands as one run of entries, in this order; a result or an error for each. */
  proposeBatch(
    commands: readonly TypesOf<Machine>["command"][],
    options?: CallOptions,
  ): Promise<readonly (TypedProposed<TypesOf<Machine>["result"]> | RaftError)[]>;
  /** Linearizable. */
  read(
    query: TypesOf<Machine>["query"],
    options?: CallOptions,
  ): Promise<{ readonly index: Index; readonly answer: TypesOf<Machine>["answer"] }>;
  /** Several linearizable queries, all answered from one state; an answer or an error for each. */
  readBatch(
    queries: readonly TypesOf<Machine>["query"][],
    options?: CallOptions,
  ): Promise<{
    readonly index: Index;
    readonly answers: readonly (TypesOf<Machine>["answer"] | RaftError)[];
  }>;
  /** From this node's replica, which may be behind: `ageMs` as of `LocalReadResult`. */
  readLocal(
    query: TypesOf<Machine>["query"],
    options?: CallOptions,
  ): Promise<{
    readonly appliedIndex: Index;
    readonly ageMs: number;
    readonly answer: TypesOf<Machine>["answer"];
  }>;
}

/**
 * The calls of one group in the types of its state machine.
 * @example
 * const counter = typedGroup<typeof createStateMachine>(engine, 1);
 * const { result } = await counter.propose({ add: 2 });
 */
export function typedGroup<Machine extends AnyTypedStateMachine>(
  engine: GroupCalls,
  group: GroupId,
): TypedGroup<Machine> {
  const calls = ["propose", "proposeBatch", "read", "readBatch", "readLocal"];
  checkFunctions("typedGroup", engine, calls, []);
  type Types = TypesOf<Machine>;
  const resultOf = ({ index, value }: BytesResult): TypedProposed<Types["result"]> => {
    return { index, result: trusted<Types["result"]>(decodeResult(value)) };
  };
  const answerOf = (value: Uint8Array): Types["answer"] =>
    trusted<Types["answer"]>(decodeAnswer(value));
  return {
    group,
    async propose(command, options) {
      return resultOf(await engine.propose(group, encodeDocument(command), options));
    },
    async proposeBatch(commands, options) {
      const results = await engine.proposeBatch(group, commands.map(encodeDocument), options);
      return results.map((result) =>
        result instanceof RaftError ? result : attempt(() => resultOf(result)),
      );
    },
    async read(query, options) {
      const { index, value } = await engine.read(group, encodeDocument(query), options);
      return { index, answer: answerOf(value) };
    },
    async readBatch(queries, options) {
      const asked = queries.map(encodeDocument);
      const { index, values } = await engine.readBatch(group, asked, options);
      const answers = values.map((value) =>
        value instanceof RaftError ? value : attempt(() => answerOf(value)),
      );
      return { index, answers };
    },
    async readLocal(query, options) {
      const asked = encodeDocument(query);
      const { appliedIndex, ageMs, value } = await engine.readLocal(group, asked, options);
      return { appliedIndex, ageMs, answer: answerOf(value) };
    },
  };
}

/** @throws ERR_OPTION_INVALID naming each member that is missing or no function */
function checkFunctions(
  what: string,
  given: unknown,
  needed: readonly string[],
  possible: readonly string[],
): void {
  if (typeof given !== "object" || given === null) {
    throw optionError([`${what} needs an object with ${needed.join(", ")}`]);
  }
  const isFunction = (name: string): boolean => typeof Reflect.get(given, name) === "function";
  const wrong = [
    ...needed.filter((name) => !isFunction(name)),
    ...possible.filter((name) => Reflect.get(given, name) !== undefined && !isFunction(name)),
  ];
  if (wrong.length === 0) return;
  throw optionError(wrong.map((name) => `${what} needs a function ${name}`));
}

/**
 * Takes decoded data at its declared type. The one place where this file believes instead of
 * checking.
 */
function trusted<T>(data: unknown): T {
  assume<T>(data);
  return data;
}

function assume<T>(_data: unknown): asserts _data is T {}
