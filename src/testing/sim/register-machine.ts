/**
 * The state machine that the simulator runs where its user brings none: registers, by key. Commands
 * and results are text, so that a script shows them as they are.
 *
 *      put KEY VALUE            sets; the result is the value before, "-" where there was none
 *      cas KEY EXPECTED VALUE   sets where the value is the expected one; "1" or "0", and the value
 *                               before
 *      get KEY                  a query; the value, or "-"
 *
 * Anything after these words is ballast. A command "poison" throws.
 */
import type { Entry, StateMachine } from "../../shard/index.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const absent = "-";

export class RegisterMachine implements StateMachine {
  private readonly registers: Map<string, string> = new Map();

  apply({ command }: Entry): Uint8Array {
    const [verb, key = "", first = "", second = ""] = decoder.decode(command).split(" ");
    const before = this.registers.get(key) ?? absent;
    switch (verb) {
      case "put":
        this.registers.set(key, first);
        return encoder.encode(before);
      case "cas":
        if (before !== first) return encoder.encode(`0 ${before}`);
        this.registers.set(key, second);
        return encoder.encode(`1 ${before}`);
      default:
        throw new Error("this command is poison");
    }
  }

  query(query: Uint8Array): Uint8Array {
    const [verb, key = ""] = decoder.decode(query).split(" ");
    if (verb !== "get") throw new Error("this query is poison");
    return encoder.encode(this.registers.get(key) ?? absent);
  }

  digest(): string {
    const entries = [...this.registers].sort(([a], [b]) => (a < b ? -1 : 1));
    return entries.map(([key, value]) => `${key}=${value}`).join(" ");
  }
}
