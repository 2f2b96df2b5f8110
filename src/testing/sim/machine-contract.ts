/**
 * What a machine is for the engine, held against one that was written without a compiler: functions
 * that return bytes or nothing, and a digest that is text. An engine would try again and again to
 * make a machine, or answer with nonsense; here either ends the run, since a machine that never ran
 * would pass every check.
 */
import { messageOf } from "../../base/index.ts";
import type { CreateStateMachine, Entry, StateMachine } from "../../shard/index.ts";
import { Violation } from "./violation.ts";

export class MachineContract {
  /** The first breach. What is thrown to a shard would be answered as the machine's exception. */
  broken: Violation | undefined;
  private readonly inner: CreateStateMachine;

  constructor(inner: CreateStateMachine) {
    this.inner = inner;
  }

  /** As given, and watched. */
  readonly create: CreateStateMachine = (context) => {
    try {
      const machine = this.inner(context);
      for (const name of ["apply", "query"] as const) {
        const part: unknown = machine[name];
        if (typeof part !== "function") throw new TypeError(`it has no function ${name}`);
      }
      return new HeldMachine(this, machine);
    } catch (error) {
      this.breach(`the machine cannot be made: ${messageOf(error)}`);
      throw error;
    }
  };

  breach(message: string): void {
    this.broken ??= new Violation("machine-contract", message);
  }

  rethrow(): void {
    if (this.broken !== undefined) throw this.broken;
  }
}

class HeldMachine implements StateMachine {
  private readonly contract: MachineContract;
  private readonly inner: StateMachine;

  constructor(contract: MachineContract, inner: StateMachine) {
    this.contract = contract;
    this.inner = inner;
  }

  apply(entry: Entry): Uint8Array | undefined {
    return this.bytes("apply", this.inner.apply(entry));
  }

  query(query: Uint8Array): Uint8Array | undefined {
    return this.bytes("query", this.inner.query(query));
  }

  digest(): string {
    const digest: unknown = this.inner.digest?.() ?? "";
    if (typeof digest === "string") return digest;
    this.contract.breach(`digest returned ${typeof digest} instead of text`);
    return "";
  }

  onRole(...change: Parameters<NonNullable<StateMachine["onRole"]>>): void {
    this.inner.onRole?.(...change);
  }

  close(): void {
    this.inner.close?.();
  }

  private bytes(name: string, result: unknown): Uint8Array | undefined {
    if (result === undefined || result instanceof Uint8Array) return result;
    const what = result instanceof Promise ? "a promise" : typeof result;
    this.contract.breach(`${name} returned ${what} instead of bytes or nothing`);
    return undefined;
  }
}
