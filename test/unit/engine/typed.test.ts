import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RaftError, limits } from "../../../src/base/index.ts";
import { defineStateMachine, typedGroup } from "../../../src/engine/index.ts";
import type { StateMachineDefinition, TypedGroup } from "../../../src/engine/index.ts";
import { encodeCbor } from "../../../src/wire/index.ts";
import { LocalGroup, applyOne, timeMsOf } from "../service/local-group.ts";

type LedgerCommand =
  | { readonly kind: "add"; readonly account: string; readonly amount: number }
  | { readonly kind: "attach"; readonly proof: Uint8Array };
type LedgerQuery = { readonly balanceOf: string } | "proofs";

interface Ledger {
  readonly node: string;
  readonly balances: Map<string, number>;
  readonly proofs: Uint8Array[];
  meta: object;
}

const createLedger = defineStateMachine({
  init: ({ node }): Ledger => ({ node, balances: new Map(), proofs: [], meta: {} }),
  apply(ledger, command: LedgerCommand, meta) {
    ledger.meta = meta;
    if (command.kind === "attach") return ledger.proofs.push(command.proof);
    const balance = (ledger.balances.get(command.account) ?? 0) + command.amount;
    if (balance < 0) throw new Error(`account ${command.account} would fall to ${balance}`);
    ledger.balances.set(command.account, balance);
    return balance;
  },
  query(ledger, query: LedgerQuery) {
    if (query === "proofs") return { node: ledger.node, proofs: ledger.proofs, meta: ledger.meta };
    return ledger.balances.get(query.balanceOf);
  },
  digest: (ledger) =>
    [...ledger.balances]
      .map((balance) => balance.join())
      .sort()
      .join(),
});

function open(): { engine: LocalGroup; ledger: TypedGroup<typeof createLedger> } {
  const engine = new LocalGroup(createLedger({ group: 3, node: "n1" }));
  return { engine, ledger: typedGroup<typeof createLedger>(engine, 3) };
}

/** A definition that is an object with fields of its own, and checks what it is given. */
class Limited implements StateMachineDefinition<{ total: number }, number, string, number, string> {
  readonly maximum = 100;

  init(): { total: number } {
    return { total: 0 };
  }

  apply(state: { total: number }, add: number): number {
    state.total += add;
    return state.total;
  }

  query(state: { total: number }, unit: string): string {
    return `${state.total} ${unit}`;
  }

  parseCommand(data: unknown): number {
    if (typeof data === "number" && data <= this.maximum) return data;
    throw new TypeError(`command must be a number up to ${this.maximum}`);
  }

  parseQuery(data: unknown): string {
    if (typeof data === "string") return data;
    throw new TypeError("query must be a string");
  }
}
const createStrict = defineStateMachine(new Limited());

describe("defineStateMachine() and typedGroup()", () => {
  it("carry commands, results, queries and answers as plain data", async () => {
    const { ledger } = open();
    assert.equal(ledger.group, 3);
    const first = await ledger.propose({ kind: "add", account: "ada", amount: 5 });
    assert.deepEqual(first, { index: 1, result: 5 });
    await ledger.propose({ kind: "add", account: "ada", amount: 2 ** 40 });
    assert.deepEqual(await ledger.read({ balanceOf: "ada" }), { index: 2, answer: 2 ** 40 + 5 });
    assert.deepEqual(await ledger.readLocal({ balanceOf: "eve" }), {
      appliedIndex: 2,
      ageMs: 7,
      answer: undefined,
    });
  });

  it("give init the context and apply the entry's index, term and time", async () => {
    const { ledger } = open();
    await ledger.propose({ kind: "attach", proof: new Uint8Array(0) });
    const { answer } = await ledger.read("proofs");
    const meta = { index: 1, term: 1, timeMs: timeMsOf(1) };
    assert.deepEqual(answer, { node: "n1", proofs: [new Uint8Array(0)], meta });
  });

  it("let a state keep byte strings, though the engine reuses the memory of commands", async () => {
    const { ledger } = open();
    const proofs = [1, 2, 3, 4].map((fill) => Buffer.alloc(40, fill));
    for (const proof of proofs) await ledger.propose({ kind: "attach", proof });
    const { answer } = await ledger.read("proofs");
    assert.ok(typeof answer === "object");
    assert.deepEqual(
      answer.proofs.map((proof) => Buffer.from(proof)),
      proofs,
    );
  });

  it("let an exception of apply be the result of its command", async () => {
    const { engine, ledger } = open();
    await ledger.propose({ kind: "add", account: "ada", amount: 1 });
    const before = engine.machine.digest?.();
    const tooMuch = ledger.propose({ kind: "add", account: "ada", amount: -2 });
    await assert.rejects(tooMuch, /account ada would fall to -1/);
    assert.equal(engine.machine.digest?.(), before);
  });

  it("take several commands or queries at once", async () => {
    const { ledger } = open();
    const commands = [1, 2].map((amount) => ({ kind: "add", account: "ada", amount }) as const);
    assert.deepEqual(await ledger.proposeBatch(commands), [
      { index: 1, result: 1 },
      { index: 2, result: 3 },
    ]);
    const { index, answers } = await ledger.readBatch([{ balanceOf: "ada" }, { balanceOf: "eve" }]);
    assert.deepEqual([index, answers], [2, [3, undefined]]);
  });

  it("say that a command was applied whose result cannot be encoded", async () => {
    const values: unknown[] = [];
    const create = defineStateMachine({
      init: () => values,
      apply: (state, value: string): unknown => {
        state.push(value);
        return value === "date" ? new Date(0) : new Map();
      },
      query: (): unknown => new Set(),
    });
    const group = typedGroup<typeof create>(new LocalGroup(create({ group: 1, node: "n1" })), 1);
    for (const command of ["date", "map"]) {
      await assert.rejects(group.propose(command), (error) => {
        assert.ok(error instanceof RaftError);
        assert.deepEqual([error.code, error.outcome], ["ERR_RESULT_INVALID", "unknown"]);
        return true;
      });
    }
    assert.deepEqual(values, ["date", "map"]);
  });

  it("take no promise for a result or an answer, nor data with a promise in it", async () => {
    const rejection = async (): Promise<never> => Promise.reject(new Error("nobody awaits it"));
    // Promise-like, of no class that the language knows.
    const prototype = {};
    Reflect.set(prototype, "then", () => undefined);
    const like: unknown = Object.create(prototype);
    const of: Readonly<Record<string, () => unknown>> = {
      fulfilled: async () => 1,
      rejected: rejection,
      like: () => like,
      within: () => ({ a: [Promise.resolve(1)] }),
      likeWithin: () => [like],
    };
    const create = defineStateMachine({
      init: () => ({}),
      apply: (_state, what: string): unknown => of[what]?.(),
      query: (_state, what: string): unknown => of[what]?.(),
    });
    const group = typedGroup<typeof create>(new LocalGroup(create({ group: 1, node: "n1" })), 1);
    for (const what of Object.keys(of)) {
      await assert.rejects(group.propose(what), { code: "ERR_RESULT_INVALID", outcome: "unknown" });
      await assert.rejects(group.read(what), /promise|no plain object/i, what);
    }
    await assert.rejects(group.propose("fulfilled"), /a promise: it must not be async/);
    await assert.rejects(group.read("rejected"), /a promise: it must not be async/);
  });

  it("say that a command was applied if its result is of another kind of machine", async () => {
    const raw = Uint8Array.of(1, 1);
    const engine = new LocalGroup({ apply: () => raw, query: () => raw });
    const group = typedGroup<typeof createStrict>(engine, 1);
    const result = { code: "ERR_RESULT_INVALID", outcome: "unknown", message: /was applied/ };
    const answer = { code: "ERR_QUERY_FAILED", outcome: "none", message: /defineStateMachine/ };
    await assert.rejects(group.propose(1), result);
    await assert.rejects(group.read("q"), answer);
    await assert.rejects(group.readLocal("q"), answer);
    const codes = (results: readonly unknown[]): unknown[] =>
      results.map((each) => (each instanceof RaftError ? each.code : each));
    const proposed = codes(await group.proposeBatch([1, 2]));
    assert.deepEqual(proposed, ["ERR_RESULT_INVALID", "ERR_RESULT_INVALID"]);
    const { answers } = await group.readBatch(["q", "q"]);
    assert.deepEqual(codes(answers), ["ERR_QUERY_FAILED", "ERR_QUERY_FAILED"]);
    assert.equal(engine.index, 3);
  });

  it("carry documents of 64 levels, and refuse a deeper one before it is proposed", async () => {
    const create = defineStateMachine({
      init: () => ({}),
      apply: (_state, value: unknown) => value,
      query: (_state, value: unknown) => value,
    });
    const engine = new LocalGroup(create({ group: 1, node: "n1" }));
    const group = typedGroup<typeof create>(engine, 1);
    let document: unknown = 1;
    for (let level = 0; level < limits.documentDepthMax; level += 1) document = { inner: document };
    assert.deepEqual((await group.propose(document)).result, document);
    assert.deepEqual((await group.read(document)).answer, document);
    await assert.rejects(group.propose([document]), /deeper than 64/);
    assert.equal(engine.index, 1);
  });

  it("reject a command that its parse hook refuses, as one that changed nothing", () => {
    const machine = createStrict({ group: 1, node: "n1" });
    assert.throws(() => applyOne(machine, encodeCbor(101), 1), { name: "CommandRejected" });
  });

  it("make a state of its own for each replica", () => {
    const [one, other] = [1, 2].map((group) => createLedger({ group, node: "n1" }));
    assert.ok(one !== undefined && other !== undefined);
    applyOne(one, encodeCbor({ kind: "add", account: "ada", amount: 1 }), 1);
    assert.notEqual(one.digest?.(), other.digest?.());
  });

  it("refuse a command that is not CBOR, and change nothing", () => {
    const machine = createLedger({ group: 3, node: "n1" });
    const before = machine.digest?.();
    for (const bytes of [new Uint8Array(0), Uint8Array.of(0xff), Uint8Array.of(1, 1)]) {
      const refused = (error: unknown): boolean => error instanceof RaftError;
      assert.throws(() => applyOne(machine, bytes, 1), { name: "CommandRejected" });
      assert.throws(() => machine.query(bytes), refused);
    }
    assert.equal(machine.digest?.(), before);
  });

  it("run parse hooks, as methods of their definition, before apply and query", async () => {
    const engine = new LocalGroup(createStrict({ group: 1, node: "n1" }));
    const group = typedGroup<typeof createStrict>(engine, 1);
    assert.deepEqual(await group.propose(100), { index: 1, result: 100 });
    await assert.rejects(group.propose(101), /command must be a number up to 100/);
    await assert.rejects(engine.propose(1, encodeCbor({ evil: true })), /must be a number/);
    await assert.rejects(engine.read(1, encodeCbor(7)), /query must be a string/);
    assert.equal((await group.read("points")).answer, "100 points");
  });

  it("offer a digest only where the definition has one", () => {
    assert.equal("digest" in createLedger({ group: 1, node: "n1" }), true);
    assert.equal("digest" in createStrict({ group: 1, node: "n1" }), false);
  });

  it("hand the options of a call to the engine", async () => {
    const { engine, ledger } = open();
    const options = { timeoutMs: 5, signal: new AbortController().signal };
    await ledger.propose({ kind: "add", account: "ada", amount: 1 }, options);
    assert.equal(engine.options, options);
    await ledger.read("proofs");
    assert.equal(engine.options, undefined);
    await ledger.read("proofs", options);
    assert.equal(engine.options, options);
  });

  it("reject a command that CBOR cannot carry before it is proposed", async () => {
    const engine = new LocalGroup(createStrict({ group: 1, node: "n1" }));
    const create = defineStateMachine({
      init: () => ({}),
      apply: (_state, _command: Date) => true,
      query: () => true,
    });
    const group = typedGroup<typeof create>(engine, 1);
    await assert.rejects(
      group.propose(new Date(0)),
      (error) => error instanceof RaftError && error.code === "ERR_OPTION_INVALID",
    );
    assert.equal(engine.index, 0);
  });
});

/** Compiled, never called: each line marked here must not compile. */
export async function typesOfLedger(ledger: TypedGroup<typeof createLedger>): Promise<void> {
  const { result } = await ledger.propose({ kind: "add", account: "ada", amount: 1 });
  const sum: number = result;
  // @ts-expect-error the result is a number
  const text: string = result;
  // @ts-expect-error there is no such command
  await ledger.propose({ kind: "drop", account: "ada" });
  // @ts-expect-error an amount is missing
  await ledger.propose({ kind: "add", account: "ada" });
  // @ts-expect-error there is no such query
  await ledger.read("balance");
  // @ts-expect-error the answer may be undefined or the proofs
  const balance: number = (await ledger.readLocal({ balanceOf: "ada" })).answer;
  // @ts-expect-error a group's types come from a machine made by defineStateMachine
  typedGroup<() => void>(new LocalGroup(createLedger({ group: 1, node: "n1" })), 1);
  assert.ok(sum && text && balance);
}

/** The same: results and answers that are not plain data. */
export function typesOfResults(): void {
  const init = (): object => ({});
  const query = (): number => 1;
  // @ts-expect-error an async apply returns a promise
  defineStateMachine({ init, query, apply: async (_state, _command: string) => 1 });
  // @ts-expect-error a Date is no plain data
  defineStateMachine({ init, query, apply: (_state, _command: string) => new Date(0) });
  // @ts-expect-error nor is a function within an object
  defineStateMachine({ init, query, apply: (_state, _command: string) => ({ f: () => 1 }) });
  // @ts-expect-error nor is a Map in an array
  defineStateMachine({ init, query, apply: (_state, _command: string) => [new Map([[1, 2]])] });
  // @ts-expect-error nor is it an answer
  defineStateMachine({ init, apply: query, query: () => new Set([1]) });
  interface Tree {
    readonly left?: Tree | undefined;
    readonly bytes: Uint8Array;
  }
  const tree: Tree = { bytes: new Uint8Array(1) };
  defineStateMachine({ init, query, apply: (_state, _command: string) => tree });
}
