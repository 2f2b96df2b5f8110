/** The state machine of the inline tests: the list of all commands, as text. */
import type { Entry, Role, StateMachine } from "../../src/shard/index.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class ListMachine implements StateMachine {
  readonly commands: string[] = [];
  readonly roles: Role[] = [];
  closed = 0;

  apply(entry: Entry): Uint8Array {
    const command = decoder.decode(entry.command);
    if (command === "poison") throw new Error("this command is poison");
    this.commands.push(command);
    return encoder.encode(`${this.commands.length}`);
  }

  query(query: Uint8Array): Uint8Array {
    const text = decoder.decode(query);
    if (text === "poison") throw new Error("this query is poison");
    if (text.startsWith("fill ")) return new Uint8Array(Number(text.slice(5))).fill(0x78);
    return encoder.encode(this.digest());
  }

  digest(): string {
    return this.commands.join(",");
  }

  onRole(role: Role): void {
    this.roles.push(role);
  }

  close(): void {
    this.closed += 1;
  }
}
