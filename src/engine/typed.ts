/**
 * Types over the bytes of a state machine: `defineStateMachine` makes one from functions that take
 * and return plain data, and `typedGroup` calls it with the types of that definition. In between,
 * commands, queries, results and answers are CBOR: numbers, strings, byte strings, booleans, null,
 * undefined, arrays and plain objects, no deeper than `limits.cborDepthMax`. Where a result is
 * anything else, its call fails although the command was applied.
 *
 * The types are trusted: whoever can propose to the group can propose bytes of any shape. A
 * definition whose group takes commands from elsewhere than `typedGroup`, or from another version
 * of the program, checks them in `parseCommand`.
 */
import type { GroupId, Index, Term } from "../base/index.ts";
import type { CreateStateMachine, StateMachineContext } from "../shard/index.ts";
import { decodeCbor, encodeCbor } from "../wire/index.ts";

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
   * Applies a command. Must be deterministic, as `StateMachine.apply` says. An exception is the
   * command's result; what was changed before it stays changed, so check first, then change.
   */
  apply(state: State, command: Command, meta: CommandMeta): Result;
  /** Answers a query. Must not change the state. */
  query(state: State, query: Query): Answer;
  /** A hash over the whole state, equal on two replicas if and only if their states are. */
  digest?(state: State): string;
  /**
   * Checks decoded data and returns it as a command, or throws. Runs on every replica: as
   * deterministic as `apply`.
   */
  parseCommand?(data: unknown): Command;
  /** Checks decoded data and returns it as a query, or throws. */
  parseQuery?(data: unknown): Query;
}

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
  definition: StateMachineDefinition<State, Command, Query, Result, Answer>,
): TypedStateMachine<Command, Query, Result, Answer> {
  const parseCommand = definition.parseCommand?.bind(definition) ?? trusted<Command>;
  const parseQuery = definition.parseQuery?.bind(definition) ?? trusted<Query>;
  const digest = definition.digest?.bind(definition);
  const create: CreateStateMachine = (context) => {
    const state = definition.init(context);
    return {
      apply(entry) {
        // Decoded byte strings are views on what was decoded. The engine reuses an entry's memory,
        // so a state that keeps one would change under its owner; hence a copy. (`slice` would make
        // none where the bytes are a Buffer.)
        const command = parseCommand(decodeCbor(new Uint8Array(entry.command)));
        const { index, term, timeMs } = entry;
        return encodeCbor(definition.apply(state, command, { index, term, timeMs }));
      },
      query(query) {
        return encodeCbor(definition.query(state, parseQuery(decodeCbor(query))));
      },
      ...(digest === undefined ? {} : { digest: () => digest(state) }),
    };
  };
  return Object.assign(create, { [machineTypes]: undefined });
}

/** The options every call takes. */
export interface CallOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Pass the call on to the leader where this node does not lead. */
  readonly forward?: boolean | undefined;
}

/**
 * The calls of an engine that speak to a state machine, in bytes. Wrappers take this and not the
 * engine.
 */
export interface GroupCalls {
  propose(
    group: GroupId,
    command: Uint8Array,
    options?: CallOptions,
  ): Promise<{ readonly index: Index; readonly value: Uint8Array }>;
  read(
    group: GroupId,
    query: Uint8Array,
    options?: CallOptions,
  ): Promise<{ readonly index: Index; readonly value: Uint8Array }>;
  readLocal(
    group: GroupId,
    query: Uint8Array,
  ): Promise<{ readonly value: Uint8Array; readonly appliedIndex: Index }>;
}

/** One group, called in the types of its state machine. */
export interface TypedGroup<Machine extends AnyTypedStateMachine> {
  readonly group: GroupId;
  propose(
    command: TypesOf<Machine>["command"],
    options?: CallOptions,
  ): Promise<{ readonly index: Index; readonly result: TypesOf<Machine>["result"] }>;
  /** Linearizable. */
  read(
    query: TypesOf<Machine>["query"],
    options?: CallOptions,
  ): Promise<{ readonly index: Index; readonly answer: TypesOf<Machine>["answer"] }>;
  /** From this node's replica, which may be behind. */
  readLocal(
    query: TypesOf<Machine>["query"],
  ): Promise<{ readonly appliedIndex: Index; readonly answer: TypesOf<Machine>["answer"] }>;
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
  type Types = TypesOf<Machine>;
  return {
    group,
    async propose(command, options) {
      const { index, value } = await engine.propose(group, encodeCbor(command), options);
      return { index, result: trusted<Types["result"]>(decodeCbor(value)) };
    },
    async read(query, options) {
      const { index, value } = await engine.read(group, encodeCbor(query), options);
      return { index, answer: trusted<Types["answer"]>(decodeCbor(value)) };
    },
    async readLocal(query) {
      const { appliedIndex, value } = await engine.readLocal(group, encodeCbor(query));
      return { appliedIndex, answer: trusted<Types["answer"]>(decodeCbor(value)) };
    },
  };
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
