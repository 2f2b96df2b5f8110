/**
 * Operations for a state machine of which the simulator knows nothing: what its user draws, and
 * their bytes as a script writes them.
 */
import { Prng } from "../../base/index.ts";
import { pick } from "./settings.ts";

/** Chance, drawn from a seed: the only one that a workload may use. */
export interface Random {
  /** An integer in [from, to). */
  between(from: number, to: number): number;
  /** True with the given probability, 0 to 1. */
  chance(ratio: number): boolean;
  /** One of the values, of which there must be one. */
  pick<T>(values: readonly T[]): T;
}

/** What a client asks of a machine: a command for its `apply`, or a query for its `query`. */
export type WorkloadOperation = { readonly command: Uint8Array } | { readonly query: Uint8Array };

/** Draws one operation. Called anew for each; where it keeps a state, seeds do not repeat. */
export type Workload = (random: Random) => WorkloadOperation;

/** A stream of chance of its own, so that a workload draws as much as it likes. */
function randomFrom(prng: Prng): Random {
  const own = new Prng(prng.uint32());
  return {
    between: (from, to) => own.between(from, to),
    chance: (ratio) => own.chance(ratio),
    pick: (values) => pick(own, values),
  };
}

/** For machines whose user says nothing of commands: they must take any bytes, or throw. */
export function randomBytes(random: Random): WorkloadOperation {
  const bytes = Uint8Array.from({ length: random.between(0, 40) }, () => random.between(0, 256));
  return random.chance(0.3) ? { query: bytes } : { command: bytes };
}

export function bytesToText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

export function textToBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64url"));
}

/** What commands of one call count against `commandBytesMax`, as an engine counts them. */
export function proposalBytes(commands: readonly Uint8Array[]): number {
  return commands.reduce((sum, { length }) => sum + length, (commands.length - 1) * 5);
}

/**
 * A call as a script says it, without its time: `command a 1 bytes=…`. Now and then several
 * commands are one call, where they have room.
 */
export class OperationDrawer {
  private readonly workload: Workload;
  private readonly random: Random;
  private readonly bytesMax: number;

  constructor(workload: Workload, prng: Prng, bytesMax: number) {
    this.workload = workload;
    this.random = randomFrom(prng);
    this.bytesMax = bytesMax;
  }

  /** @param place the words between the verb and its bytes: node and group */
  draw(place: string): string {
    const operation = this.workload(this.random);
    if ("query" in operation) {
      this.checkSize(operation.query);
      const local = this.random.chance(0.2) ? " local" : "";
      return `query ${place} bytes=${bytesToText(operation.query)}${local}`;
    }
    this.checkSize(operation.command);
    const commands = [operation.command];
    while (this.random.chance(0.15)) {
      const another = this.workload(this.random);
      if (!("command" in another)) break;
      commands.push(another.command);
      if (proposalBytes(commands) > this.bytesMax) commands.pop();
    }
    return `command ${place} bytes=${commands.map(bytesToText).join(",")}`;
  }

  private checkSize({ length }: Uint8Array): void {
    if (length <= this.bytesMax) return;
    throw new RangeError(`the workload drew ${length} bytes; commandBytesMax is ${this.bytesMax}`);
  }
}
