/**
 * Which group a shard's thread works for, in memory that outlives the thread. If code of that
 * group's state machine ends the thread, or an assertion in its core, the engine reads here whose
 * it was, and holds that group alone.
 *
 * A visit of a group is one store; only machines that are watched (watched-machine.ts) say more.
 */
import type { GroupId, Index } from "../base/index.ts";

/** What of a state machine runs. */
export const machineCalls = [
  "createStateMachine",
  "apply",
  "query",
  "digest",
  "onRole",
  "close",
] as const;

export type MachineCall = (typeof machineCalls)[number];

/** A call of a group's state machine. */
export interface MachineWork {
  readonly group: GroupId;
  readonly call: MachineCall;
  /** Of the command, in `apply`. */
  readonly index: Index;
}

/** What the thread did when it ended. */
export interface WorkInHand {
  readonly group: GroupId;
  /** The call of its state machine; undefined if that is not known, or it was another's work. */
  readonly work: MachineWork | undefined;
  /** It was not in the call itself, but in a timer, a promise or another callback that it began. */
  readonly later: boolean;
}

/** Cells of the memory; a group is stored as one more than its number, a call likewise. */
const cell = { group: 0, workGroup: 1, call: 2, index: 3, later: 4 } as const;
const cellCount = 5;

export class InHand {
  private readonly cells: Float64Array;

  constructor(memory: SharedArrayBuffer = newHandMemory()) {
    this.cells = new Float64Array(memory);
  }

  /** What follows is for this group. */
  take(group: GroupId): void {
    this.cells[cell.group] = group + 1;
  }

  /** What follows is for none, or for all. */
  release(): void {
    this.cells[cell.group] = 0;
  }

  get isTaken(): boolean {
    return this.cells[cell.group] !== 0;
  }

  /** A call of a watched machine begins. */
  begin({ group, call, index }: MachineWork): void {
    const { cells } = this;
    cells[cell.workGroup] = group + 1;
    cells[cell.call] = machineCalls.indexOf(call) + 1;
    cells[cell.index] = index;
  }

  /** It has returned, or thrown. */
  end(): void {
    this.cells[cell.workGroup] = 0;
  }

  /** What a call of a watched machine began ends the thread later. */
  blame(work: MachineWork): void {
    this.take(work.group);
    this.begin(work);
    this.cells[cell.later] = 1;
  }
}

export function newHandMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(cellCount * Float64Array.BYTES_PER_ELEMENT);
}

/** What a thread that has ended had in hand; undefined if that was no group. */
export function workInHand(memory: SharedArrayBuffer): WorkInHand | undefined {
  const cells = new Float64Array(memory);
  const at = (place: number): number => cells[place] ?? 0;
  if (at(cell.group) === 0) return undefined;
  const group = at(cell.group) - 1;
  const call = machineCalls[at(cell.call) - 1];
  const known = at(cell.workGroup) === at(cell.group) && call !== undefined;
  const work = known ? { group, call, index: at(cell.index) } : undefined;
  return { group, work, later: at(cell.later) === 1 };
}
