/**
 * The commands that clients propose. The engine copies a command when it is proposed, so all groups
 * share the same few: one for each of a group's clients.
 */
import { randomFillSync } from "node:crypto";
import { encodeGet, encodePut } from "../../../src/service/index.ts";
import type { Target } from "./load.ts";

export class Commands {
  private readonly machine: Target["machine"];
  private readonly valueBytes: number;
  private readonly all: Uint8Array[] = [];
  private readonly ranges: Map<string, readonly Uint8Array[]> = new Map();
  private sequence = 0;

  constructor(machine: Target["machine"], valueBytes: number) {
    this.machine = machine;
    this.valueBytes = valueBytes;
  }

  /** The command of one of a group's clients, with bytes that it has not had before. */
  one(client: number): Uint8Array {
    const command = this.all[client] ?? this.make(client);
    this.stamp(command);
    return command;
  }

  /** The commands of `count` clients from `first` on. They need not be made again for each call. */
  range(first: number, count: number): readonly Uint8Array[] {
    const key = `${first} ${count}`;
    const known = this.ranges.get(key);
    if (known !== undefined) return known;
    const made = Array.from({ length: count }, (_, at) => this.one(first + at));
    this.ranges.set(key, made);
    return made;
  }

  /** Makes the batch another one than the last time. */
  stamp(command: Uint8Array | undefined): void {
    if (command === undefined) return;
    this.sequence = (this.sequence + 1) >>> 0;
    const { sequence } = this;
    const at = command.length - 4;
    command[at] = sequence;
    command[at + 1] = sequence >>> 8;
    command[at + 2] = sequence >>> 16;
    command[at + 3] = sequence >>> 24;
  }

  /** A read of what the client writes. */
  query(client: number): Uint8Array {
    return this.machine === "kv" ? encodeGet(keyOf(client)) : new Uint8Array(1);
  }

  private make(client: number): Uint8Array {
    // Random, so that no layer below can make it smaller.
    const value = randomFillSync(new Uint8Array(this.valueBytes));
    const command = this.machine === "kv" ? encodePut(keyOf(client), value) : value;
    this.all[client] = command;
    return command;
  }
}

function keyOf(client: number): string {
  return `client.${client}`;
}
