/** The checksum machine, which its worker can also be asked through how much memory it holds. */
import type { CreateStateMachine, StateMachine } from "../../../src/index.ts";
import { createStateMachine as createChecksumMachine } from "./checksum-machine.ts";
import { heapBytes } from "./heap.ts";

export const createStateMachine: CreateStateMachine = (context) => {
  const machine = createChecksumMachine(context);
  const query = (): Uint8Array => new Uint8Array(Float64Array.of(heapBytes()).buffer);
  return { apply: (entry) => machine.apply(entry), query } satisfies StateMachine;
};
